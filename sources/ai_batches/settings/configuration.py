"""What dlt looks up for this source: nothing."""

from dlt.common.configuration import configspec
from dlt.common.configuration.specs import BaseConfiguration


@configspec
class AiBatchesConfiguration(BaseConfiguration):
    """Empty on purpose: dlt injects nothing, this package looks each setting up."""
