"""Results that come in pages of JSON."""

from collections.abc import Mapping
from typing import NamedTuple

from ..results import Outcome, Results


class ResultPage(NamedTuple):
    """Outcomes of one page."""

    outcomes: list[Outcome]
    token: str | None
    """Of the next page; None on the last."""


def result_page(
    results: Results,
    query: Mapping[str, str],
    position_param: str,
    limit_params: tuple[str, ...],
    largest: int,
    with_cut: bool,
) -> ResultPage | None:
    """Takes the outcomes behind an opaque token, in the order of the input.

    Args:
        results (Results): All outcomes.
        query (Mapping[str, str]): The request's parameters.
        position_param (str): Name of the token's parameter.
        limit_params (tuple[str, ...]): Names of the parameter for the size of a page.
        largest (int): Outcomes of a page at most, and by default.
        with_cut (bool): Whether requests that never ran have results.

    Returns:
        ResultPage | None: The page, or None if the token is not valid.
    """
    count = results.batch.requests if with_cut else results.reached
    token = query.get(position_param, "")
    place = token.removeprefix("results-")
    if token and (not place.isdecimal() or int(place) > count):
        return None
    start = int(place or 0)
    asked = next((int(query[name]) for name in limit_params if name in query), largest)
    end = min(start + min(asked, largest), count)
    token_of_next = f"results-{end}" if end < count else None
    return ResultPage(list(results.of(range(start, end))), token_of_next)
