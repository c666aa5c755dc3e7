"""Temperature sampling of groups, with cooldown."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from holdfast.core import Mixer


class TemperatureMix(Mixer):
    r"""Scarce groups more often than their share: proportions by a power of the size, cooled as training goes on.

    .. math:: p_i \propto n_i^{1 / \tau}

    tau is `temperature` (1: as they are; infinity: all alike) until `switch` of the training has passed, and `final`
    from then on; `progress` says how much has passed. Equal to weights p_i / q_i on the loss, q_i the natural share,
    but upsampling has the smaller gradient noise; the paper recommends it, with cooldown.

    Use it when a few groups (languages, domains, classes) drown the others, and losses on scarce ones fall too slowly.
    It fails when scarce groups are seen so often that they are learnt by heart, which cooldown is for, and `UniMax`.

    Sizes 1 and 81; powers 1/2 and, after the switch, 1/4:

    >>> method = TemperatureMix(temperature=2.0, final=4.0, switch=0.5, progress=0.1)
    >>> method.mix_groups(sizes=[1.0, 81.0]).round(6).tolist()
    [0.1, 0.9]
    >>> method = TemperatureMix(temperature=2.0, final=4.0, switch=0.5, progress=0.6)
    >>> method.mix_groups(sizes=[1.0, 81.0]).round(6).tolist()
    [0.25, 0.75]
    """

    source = "li2024upsample"
    claims = ("unequal_groups",)
    silent: ClassVar[tuple[str, ...]] = ("final", "switch", "progress")  # see the example

    temperature: float = 5.0
    final: float = 1.0
    switch: float = 0.5
    progress: float = 0.0

    def mix_groups(self, sizes: np.ndarray) -> np.ndarray:
        """(G,) sampling proportions; empty groups get none."""
        temperature = self.temperature if self.progress < self.switch else self.final
        if temperature < 1:
            raise ValueError(f"temperature is {temperature}; expected at least 1, where sizes are taken as they are.")
        if sizes.max() <= 0:
            raise ValueError("sizes are all 0; expected at least one group with rows.")
        power = np.where(sizes > 0, (sizes / sizes.max()) ** (1 / temperature), 0.0)
        return power / power.sum()
