"""./run: finds the verb, runs it, and reports errors without a traceback."""

from __future__ import annotations

import sys
import traceback

from cdp.settings import SettingError
from infra.stack.stack import StackError
from infra.stack.verbs import run


def main(arguments: list[str]) -> int:
    debug = "--debug" in arguments
    try:
        return run([argument for argument in arguments if argument != "--debug"])
    except (StackError, SettingError) as error:
        if debug:
            traceback.print_exc()
        for line in str(error).splitlines():
            print(f"run: {line}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("run: interrupted. See what is running: ./run status", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141
    except Exception as error:
        if debug:
            raise
        print(f"run: {type(error).__name__}: {error} (add --debug to see the traceback)", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
