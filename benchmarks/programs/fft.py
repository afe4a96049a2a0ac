"""A fast Fourier transform, in place, of two lists of floats."""

from math import cos, sin


def reverse_bits(re, im, n):
    j = 0
    for i in range(n):
        if i < j:
            re[i], re[j] = re[j], re[i]
            im[i], im[j] = im[j], im[i]
        bit = n // 2
        while bit >= 1 and j >= bit:
            j -= bit
            bit //= 2
        j += bit


def transform(re, im, n):
    reverse_bits(re, im, n)
    width = 2
    while width <= n:
        half = width // 2
        angle = -6.283185307179586 / width
        for k in range(half):
            wr, wi = cos(angle * k), sin(angle * k)
            for i in range(k, n, width):
                j = i + half
                xr, xi = re[j], im[j]
                tr = wr * xr - wi * xi
                ti = wr * xi + wi * xr
                re[j] = re[i] - tr
                im[j] = im[i] - ti
                re[i] += tr
                im[i] += ti
        width *= 2


def fft(times, n):
    re, im = [0.0] * n, [0.0] * n
    for _ in range(times):
        for i in range(n):
            re[i] = float(i * 7 % 16)
            im[i] = 0.0
        transform(re, im, n)
    return float(round(1000.0 * (re[1] + im[n // 4])))
