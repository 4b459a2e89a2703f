"""Does the end of an `async with` block lead back to the loop around it?

Python tells a context manager that its block ended, not whether it ended by `return`. For a retry
loop that is the difference between running the block again and losing what it should have stored:

    async for attempt in db.transaction(retry=3):
        async with attempt as tx:
            return await work(tx)

When the commit of this block is refused, swallowing the error completes the `return`. So before an
error of the commit is swallowed, the way from the end of the block is followed through the
function's code: only when every branch of it comes back to the loop is the block run again.
Anything else, and anything that is not understood, lets the error out.
"""

import dis
from dataclasses import dataclass
from types import CodeType, FrameType

_ALWAYS_JUMPS = frozenset(
    {"JUMP", "JUMP_ABSOLUTE", "JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_NO_INTERRUPT"}
    | {"JUMP_BACKWARD_NO_INTERRUPT"}
)
_ENDS = frozenset({"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE"})
_JUMPS = frozenset(dis.hasjrel) | frozenset(dis.hasjabs)


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
    """Tell whether every way on from `start`, errors aside, comes to `loop`."""
    if start is None or loop is None or start.frame != loop.frame or start.code is not loop.code:
        return False
    instructions = list(dis.get_instructions(start.code))
    numbers = {instruction.offset: n for n, instruction in enumerate(instructions)}
    if start.offset not in numbers or loop.offset not in numbers:
        return False
    goal = numbers[loop.offset]
    open_, seen = [numbers[start.offset] + 1], {goal}
    while open_:
        number = open_.pop()
        if number in seen:
            continue
        seen.add(number)
        instruction = instructions[number]
        if instruction.opname in _ENDS:
            return False
        if instruction.opcode in _JUMPS:
            open_.append(numbers[instruction.argval])
        if instruction.opname not in _ALWAYS_JUMPS:
            open_.append(number + 1)
    return True
