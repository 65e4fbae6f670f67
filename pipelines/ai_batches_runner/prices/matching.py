"""Finds the model of a price list that the name of a model in `batches` means."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NamedTuple

from ai_batches import PROVIDERS

How = Literal["exact", "alias", "dated", "user", "none"]
"""The list has the name; or a name that means the same; or one without the date; the user's setting
or file has it; nothing has."""

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):bedrock:(?P<region>[a-z0-9-]+):[0-9]*:"
    r"(?P<kind>foundation-model|inference-profile)/(?P<name>.+)"
)
_PUBLISHED = re.compile(r"(?:projects/.+/)?publishers/(?P<publisher>[^/]+)/models/(?P<name>[^/]+)")
_FINE_TUNED = re.compile(r"(?P<name>ft:[^:]+):.*")
_DATE = re.compile(
    r"[-@](?:20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|20[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))"
)
_REGION = re.compile(r"(?P<region>[a-z]{2}(?:-[a-z]+)+-[0-9]+)/(?P<name>.+)")


class Match(NamedTuple):
    """The priced model that a name means."""

    priced_model: str | None
    how: How


class Names(NamedTuple):
    """Names of models of one provider that a price list knows."""

    priced: Collection[str]
    """Models with a price."""
    aliases: Mapping[str, str] = {}
    """Other names, to the model that they mean; to an empty text if it is known that they mean
    none of those that look alike."""
    own: Collection[str] = ()
    """Models with a price in the user's own file."""
    settings: Mapping[str, str] = {}
    """The user's setting: names in `batches`, to models with a price."""


def match(provider: str, model: str, names: Names) -> Match:
    """Finds the priced model.

    A name is never matched by how it begins: `gpt-5` is not the price of `gpt-5-mini`.

    Args:
        provider (str): Name of the provider whose prices are looked at.
        model (str): Name of the model in `batches`.
        names (Names): What is known of the provider.

    Returns:
        Match: The model, and how it was found.
    """
    if model in names.settings:
        return Match(names.settings[model], "user")
    if model in names.own:
        return Match(model, "user")
    if provider in PROVIDERS and PROVIDERS[provider].names_own_models:
        return Match(None, "none")
    regional = _regional(names.priced)
    for form in _forms(model):
        if form in regional:
            # what it costs depends on a region that is not known
            return Match(None, "none")
        for how, name in (("exact", form), ("dated", _DATE.sub("", form, count=1))):
            if how == "dated" and name == form:
                continue
            found = name if name in names.priced else names.aliases.get(name)
            if found is None:
                continue
            if not found:
                return Match(None, "none")
            if found in names.own:
                return Match(found, "user")
            if how == "exact" and found != model:
                return Match(found, "alias")
            return Match(found, "exact" if how == "exact" else "dated")
    return Match(None, "none")


def _forms(model: str) -> Iterator[str]:
    """The name as it is, and without what a provider writes around it."""
    yield model
    if found := _ARN.fullmatch(model):
        if found["kind"] == "foundation-model":
            yield f"{found['region']}/{found['name']}"
        if found["partition"] == "aws":
            # elsewhere, prices are other ones
            yield found["name"]
    elif found := _PUBLISHED.fullmatch(model):
        yield f"{found['publisher']}/{found['name']}"
        yield found["name"]
        yield found["name"].removesuffix("@default")
    elif found := _FINE_TUNED.fullmatch(model):
        yield found["name"]
    else:
        yield model.removeprefix("models/").removesuffix("@default")


def _regional(priced: Collection[str]) -> set[str]:
    """Names of models that have a price for each region, as `us-east-1/name`."""
    found = {match for match in map(_REGION.fullmatch, priced) if match}
    return {each["name"] for each in found if "-gov-" not in each["region"]}
