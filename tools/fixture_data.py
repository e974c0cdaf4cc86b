"""Pictures and checksums that the C++ tests make too (tests/pipeline/fixture_data.h): so the fixtures stay small."""

import numpy as np

MASK = (1 << 64) - 1


def mix(values):
    """SplitMix64's output function of uint64 numbers (Steele, Lea, Flood 2014)."""
    z = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def picture(width, height, channels, seed):
    """uint8 [height, width, channels]: noise, black-and-white noise or a ramp, by seed % 3."""
    index = np.arange(width * height * channels, dtype=np.uint64)
    noise = mix(index + np.uint64(seed << 32)) >> np.uint64(56)
    if seed % 3 == 1:
        noise = np.where(noise < 128, 0, 255)
    elif seed % 3 == 2:
        noise = index // np.uint64(channels) + noise // np.uint64(16)
    return (noise & np.uint64(255)).astype(np.uint8).reshape(height, width, channels)


def checksum(array):
    """Sum of (byte + 1) * mix(index) modulo 2^64, as 16 hex digits."""
    data = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8).astype(np.uint64)
    weights = mix(np.arange(data.size, dtype=np.uint64))
    return f"{int(np.sum((data + np.uint64(1)) * weights, dtype=np.uint64)) & MASK:016x}"
