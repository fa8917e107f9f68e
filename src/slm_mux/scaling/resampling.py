"""95 % intervals of means over problems, all from the same resamples of the problems."""

from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.metrics import PERCENTILES_95, Interval, resampled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RESAMPLES = 1_000
_BLOCK = 2_000_000
"""Weights in floating point at a time."""


class Resamples(Struct, frozen=True, kw_only=True, eq=False):
    """How often each problem is in each resample. R resamples of P problems."""

    often: "NDArray[np.uint32]"
    """(R, P); each row sums to P."""

    @classmethod
    def draw(cls, problems: int, *, seed: int, resamples: int = RESAMPLES) -> "Resamples":
        """Draw P problems with replacement, R times.

        Raises:
            InvalidRequestError: there are no problems, no resamples, or the seed is negative.
        """
        import numpy as np

        if problems < 1:
            raise InvalidRequestError("there is no problem to resample")
        if resamples < 1:
            raise InvalidRequestError(f"{resamples} resamples are none: give at least 1")
        if seed < 0:
            raise InvalidRequestError(f"the seed is {seed}, but must be at least 0")
        drawn = resampled(problems, seed=seed, resamples=resamples)
        return cls(often=np.concatenate([part.astype(np.uint32) for part in drawn]))

    def intervals(self, scores: "Floats") -> list[Interval | None]:
        """Give the 95 % percentile interval of each column's mean; None for fewer than 2 problems.

        A difference of two columns is a column as well: that is a paired comparison.

        Args:
            scores: (P, columns).
        """
        import numpy as np

        total, columns = scores.shape
        if total < 2:
            return [None] * columns
        means = np.empty((len(self.often), columns))
        step = max(1, _BLOCK // total)
        for start in range(0, len(self.often), step):
            part = slice(start, start + step)
            means[part] = self.often[part].astype(np.float64) @ scores / total
        low, high = np.quantile(means, PERCENTILES_95, axis=0)
        # A mean is between the scores, whatever order its sum was taken in.
        least, most = scores.min(axis=0), scores.max(axis=0)
        low, high = low.clip(least, most), high.clip(least, most)
        return list(zip(low.tolist(), high.tolist(), strict=True))
