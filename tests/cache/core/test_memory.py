"""What a process keeps, against a plain model of it."""

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from chatkeep.cache.entries import Entry
from chatkeep.cache.keys import make_key
from chatkeep.cache.memory import Failure, Failures, Kept, Memory
from chatkeep.records.search_cache import SearchResults

KEYS = [make_key(f"query {number}", "p", "en") for number in range(6)]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["get", "put", "forget"]), st.sampled_from(KEYS), st.integers(0, 900)
    ),
    max_size=60,
)


def kept(size: int) -> Kept:
    entry = Entry((), b"", 0.0, 1.0, 2.0, size=size)
    return Kept(SearchResults((), "hit", "memory", 0.0, 1.0, {}), entry, 1.0, 2.0)


@given(STEPS)
def test_the_oldest_goes_first_and_the_bound_holds(steps: list[tuple[str, object, int]]):
    most = 3 * kept(300).bytes
    memory, model = Memory(most), OrderedDict[bytes, Kept]()
    for step, key, size in steps:
        if step == "get":
            assert memory.get(key) is model.get(key.hash)
            if key.hash in model:
                model.move_to_end(key.hash)
        elif step == "forget":
            assert memory.forget(key) == (model.pop(key.hash, None) is not None)
        else:
            new = kept(size * 5)
            model.pop(key.hash, None)
            assert memory.put(key, new) == (new.bytes <= most)
            if new.bytes <= most:
                model[key.hash] = new
            while sum(one.bytes for one in model.values()) > most:
                model.popitem(last=False)
        assert memory.bytes == sum(one.bytes for one in model.values()) <= most
        assert len(memory) == len(model)


def test_no_memory_at_all():
    memory = Memory(0)
    assert not memory.put(KEYS[0], kept(0))
    assert memory.get(KEYS[0]) is None


def test_failures_are_bounded_and_end():
    failures = Failures(most=2)
    for key in KEYS[:3]:
        failures.put(key, Failure("OSError", 10.0, has_results=False))
    assert failures.get(KEYS[0], 0.0) is None
    assert failures.get(KEYS[2], 9.9) is not None
    assert failures.get(KEYS[2], 10.0) is None
    assert not failures.forget(KEYS[2])
    assert failures.forget(KEYS[1])
