"""./run: finds the verb, runs it, and turns what goes wrong into one line."""

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
        print("run: interrupted; ./run status shows what is running", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141
    except Exception as error:
        if debug:
            raise
        print(f"run: {type(error).__name__}: {error} (--debug shows where)", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
