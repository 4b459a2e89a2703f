"""Does the end of an `async with` block lead back to the loop around it?

Python tells a context manager that its block ended, not whether it ended by `return`. For a retry
loop that is the difference between running the block again and losing what it should have stored:

    async for attempt in db.transaction(retry=3):
        async with attempt as tx:
            return await work(tx)

When the commit of this block is refused, swallowing the error completes the `return`. So before an
error of the commit is swallowed, the way from the end of the block is followed through the
function's code: only where it comes straight back to the loop is the block run again. Anything else,
and anything that is not understood, lets the error out.
"""

import dis
from dataclasses import dataclass
from types import CodeType, FrameType

# What stands between the call of __aexit__ and the end of its `await`, in Python 3.11 to 3.14.
_PASSES = frozenset(
    {"CACHE", "END_SEND", "EXTENDED_ARG", "GET_AWAITABLE", "LOAD_CONST", "NOP", "NOT_TAKEN"}
    | {"POP_TOP", "RESUME"}
)
_LEADS_ELSEWHERE = frozenset(
    {"SEND", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT", "JUMP_FORWARD"}
)


@dataclass(frozen=True, slots=True)
class Place:
    """An instruction of a running function.

    Attributes:
        frame: Which run of it, by identity.
        code: Its code.
        offset: Where in the code.
    """

    frame: int
    code: CodeType
    offset: int

    @classmethod
    def above(cls, frame: FrameType | None) -> "Place | None":
        """Give the place from which this frame was called."""
        caller = frame.f_back if frame is not None else None
        return None if caller is None else cls(id(caller), caller.f_code, caller.f_lasti)


def leads_back(start: Place | None, loop: Place | None) -> bool:
    """Tell whether the way on from `start` comes straight to `loop`."""
    if start is None or loop is None or start.frame != loop.frame or start.code is not loop.code:
        return False
    instructions = {step.offset: step for step in dis.get_instructions(start.code)}
    following = dict(zip(instructions, list(instructions)[1:], strict=False))
    here, seen = following.get(start.offset), set[int]()
    while here is not None and here not in seen:
        if here == loop.offset:
            return True
        seen.add(here)
        step = instructions[here]
        if step.opname in _LEADS_ELSEWHERE:
            here = step.argval
        elif step.opname in _PASSES:
            here = following.get(here)
        else:
            return False
    return False
