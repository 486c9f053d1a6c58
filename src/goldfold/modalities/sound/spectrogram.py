"""Log-mel spectrograms, made within the network: from waves, on its device."""

import math

import torch
from torch import nn
from torch.nn import functional

LARGEST = 32768.0
"""What a wave of int16 is divided by."""
FLOOR = 1e-6
"""What is added to a band's energy before its logarithm, of a wave between -1 and 1."""
DEVIATION = 1e-3
"""The least deviation of a spectrogram that is divided by it, as of a silent one."""


class LogMel(nn.Module):
    """Waves (b, samples), int16 or floats of their size, as log-mel spectrograms (b, mels, frames) float32.

    Each frame of `window` seconds, `hop` seconds after the one before, is a Hann-windowed power spectrum, summed in triangular
    bands of equal width in mels (O'Shaughnessy 1987) between `lowest` and `highest` Hz; each wave's spectrogram is
    standardised as a whole, so that its loudness does not matter.
    """

    weight: torch.Tensor
    bands: torch.Tensor

    def __init__(self, rate: int, mels: int, window: float, hop: float, lowest: float, highest: float) -> None:
        super().__init__()
        self.length, self.hop = max(2, round(rate * window)), max(1, round(rate * hop))
        # Zeros around a frame refine its spectrum, such that the narrowest bands hold a frequency.
        self.points = 2 ** math.ceil(math.log2(max(self.length, narrowest(rate, mels, lowest, highest))))
        self.register_buffer("weight", torch.hann_window(self.length), persistent=False)
        self.register_buffer("bands", triangles(rate, self.points, mels, lowest, highest), persistent=False)

    def forward(self, wave: torch.Tensor) -> torch.Tensor:
        # In fp32: the energies of a spectrum span more than a half-precision number holds.
        with torch.autocast(wave.device.type, enabled=False):
            padded = functional.pad(wave.float() / LARGEST, (self.length // 2, self.length - self.length // 2))
            frames = padded.unfold(1, self.length, self.hop) * self.weight
            spectrum = torch.view_as_real(torch.fft.rfft(frames, self.points)).square().sum(dim=-1)
            loudness = torch.log(torch.matmul(spectrum, self.bands) + FLOOR)
            mean = loudness.mean(dim=(1, 2), keepdim=True)
            centred = loudness - mean
            deviation = centred.square().mean(dim=(1, 2), keepdim=True).sqrt()
            return (centred / (deviation + DEVIATION)).transpose(1, 2)

    def frames(self, samples: int) -> int:
        """Return how many frames a wave of so many samples has."""
        return samples // self.hop + 1


def to_mel(hertz: float) -> float:
    """Return a frequency in mels.

    >>> round(to_mel(1000))
    1000
    """
    return 1127 * math.log1p(hertz / 700)


def to_hertz(mel: torch.Tensor) -> torch.Tensor:
    """Return frequencies in Hz."""
    return 700 * torch.expm1(mel / 1127)


def corners(mels: int, lowest: float, highest: float) -> torch.Tensor:
    """Return where the bands begin, peak and end, in Hz, (mels + 2,) float64: each begins where the one before peaks."""
    return to_hertz(torch.linspace(to_mel(lowest), to_mel(highest), mels + 2, dtype=torch.float64))


def narrowest(rate: int, mels: int, lowest: float, highest: float) -> float:
    """Return how many points a spectrum needs for the narrowest band to hold one of its frequencies."""
    return float(rate / corners(mels, lowest, highest).diff().min())


def triangles(rate: int, points: int, mels: int, lowest: float, highest: float) -> torch.Tensor:
    """Return the weight of each frequency of a spectrum in each band, (points // 2 + 1, mels) float32."""
    edges = corners(mels, lowest, highest)
    frequencies = torch.linspace(0, rate / 2, points // 2 + 1, dtype=torch.float64)[:, None]
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp(min=0).float()
