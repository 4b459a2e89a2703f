"""Which ground a request stands on."""

from starlette.requests import Request

from chatkeep.studio.ground import Ground


def ground_of(request: Request) -> Ground:
    """Give the ground of the studio that answers this request."""
    ground: Ground = request.app.state.ground
    return ground
