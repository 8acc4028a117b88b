import sys; sys.path.insert(0,'/work/main')
import pytest
@pytest.mark.spark
def test_x(messages):
    from tests.streaming.test_parse import INVALID, message, parse
    rows=parse(messages(*[message(b.content) for b in INVALID.values()])).collect()
    open('/tmp/details.txt','w').write("\n".join(f"{n!r}: {r.refusal.detail!r}" for n,r in zip(INVALID,rows)))
