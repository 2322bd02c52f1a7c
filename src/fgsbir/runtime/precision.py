"""bf16 where a device multiplies such numbers, else float32."""

import torch


def working_precision(asked: str, device: torch.device) -> str:
    """What ``asked``, bf16 or float32, comes to on ``device``: float32 where it has no bf16 arithmetic.

    There torch takes twenty to thirty times as long for a convolution in bf16.
    """
    return "float32" if asked == "bf16" and not multiplies_bf16(device) else asked


def multiplies_bf16(device: torch.device) -> bool:
    """Whether ``device`` has bf16 arithmetic: on x86 AVX-512, which many a new laptop lacks."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
