"""A load of known share on one NVIDIA GPU, for ``gpu_check.py``: ``gpu_load.py GPU DUTY SECONDS``.

With PyTorch matrix multiplications in bf16; without it a kernel of our own that the driver itself translates and
that spins on the GPU's clock, so that nothing but the driver is needed. Prints ``ready KIND`` when it begins and
``busy SHARE`` when it ends; 77 and the reason when neither can run.
"""

import ctypes
import sys
import time
from collections.abc import Callable

PERIOD_S = 0.5
"""Shorter than the watchdog of a GPU with a display (2 s), longer than the driver's sampling (1/6 s)."""
SLICE_S = 0.05
SIZE = 8192

PTX = b"""
.version 6.0
.target sm_50
.address_size 64
.visible .entry spin(.param .u64 nanoseconds)
{
    .reg .u64 %begun, %now, %spent, %limit;
    .reg .f32 %a, %b, %c, %d, %most, %rest;
    .reg .pred %more, %never;
    ld.param.u64 %limit, [nanoseconds];
    mov.u64 %begun, %globaltimer;
    mov.f32 %most, 0f3F7FFF00;
    mov.f32 %rest, 0f37800000;
    mov.f32 %a, 0f3F800000;
    mov.f32 %b, 0f3F800000;
    mov.f32 %c, 0f3F800000;
    mov.f32 %d, 0f3F800000;
AGAIN:
    fma.rn.f32 %a, %a, %most, %rest;
    fma.rn.f32 %b, %b, %most, %a;
    fma.rn.f32 %c, %c, %most, %b;
    fma.rn.f32 %d, %d, %most, %c;
    mov.u64 %now, %globaltimer;
    sub.u64 %spent, %now, %begun;
    setp.lt.u64 %more, %spent, %limit;
    @%more bra AGAIN;
    setp.lt.f32 %never, %d, 0f00000000;
    @%never trap;
    ret;
}
\0"""

Work = Callable[[float], None]
"""Keeps the GPU busy for so many seconds, and returns when it is idle again."""


class NoLoadError(Exception):
    """This way to load the GPU is not to be had; whoever asked tries another."""


def by_torch(uuid: str) -> Work:
    """Matrix multiplications in bf16."""
    try:
        import torch  # type: ignore[import-not-found,unused-ignore]  # only where somebody installed it
    except ImportError as error:
        raise NoLoadError("PyTorch is not installed") from error
    if not torch.cuda.is_available():
        raise NoLoadError("PyTorch has no CUDA here")
    wanted = uuid.removeprefix("GPU-")
    for index in range(torch.cuda.device_count()):
        if str(getattr(torch.cuda.get_device_properties(index), "uuid", "")) in (wanted, uuid):
            device = torch.device("cuda", index)
            break
    else:
        raise NoLoadError("PyTorch does not name its GPUs, or not this one")
    one = torch.randn(SIZE, SIZE, dtype=torch.bfloat16, device=device)
    other = torch.randn(SIZE, SIZE, dtype=torch.bfloat16, device=device)
    out = torch.empty_like(one)

    def multiply(times: int) -> float:
        begun = time.perf_counter()
        for _ in range(times):
            torch.matmul(one, other, out=out)
        torch.cuda.synchronize(device)
        return time.perf_counter() - begun

    multiply(5)
    each_s = multiply(20) / 20

    def work(seconds: float) -> None:
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > each_s / 2:
            multiply(max(1, min(round(left / each_s), round(SLICE_S / each_s))))

    return work


def by_driver(uuid: str) -> Work:
    """A kernel that spins on the GPU's own clock."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise NoLoadError(str(error)) from error

    def call(name: str, *arguments: object) -> None:
        code = getattr(cuda, name)(*arguments)
        if code:
            raise NoLoadError(f"{name} says {code}")

    call("cuInit", 0)
    count = ctypes.c_int()
    call("cuDeviceGetCount", ctypes.byref(count))
    wanted = uuid.removeprefix("GPU-").replace("-", "")
    for index in range(count.value):
        device, name = ctypes.c_int(), (ctypes.c_ubyte * 16)()
        call("cuDeviceGet", ctypes.byref(device), index)
        call("cuDeviceGetUuid", ctypes.byref(name), device)
        if bytes(name).hex() == wanted:
            break
    else:
        raise NoLoadError("CUDA does not show this GPU (CUDA_VISIBLE_DEVICES?)")
    context, module, function = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    cores = ctypes.c_int()
    multiprocessors = 16  # CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
    call("cuDeviceGetAttribute", ctypes.byref(cores), multiprocessors, device)
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
    call("cuCtxSetCurrent", context)
    call("cuModuleLoadData", ctypes.byref(module), PTX)
    call("cuModuleGetFunction", ctypes.byref(function), module, b"spin")

    def work(seconds: float) -> None:
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0.001:
            limit = ctypes.c_uint64(int(min(left, SLICE_S) * 1e9))
            arguments = (ctypes.c_void_p * 1)(ctypes.cast(ctypes.byref(limit), ctypes.c_void_p))
            call("cuLaunchKernel", function, cores.value * 4, 1, 1, 256, 1, 1, 0, None, arguments, None)
            call("cuCtxSynchronize")

    return work


def main(uuid: str, duty: float, seconds: float) -> int:
    """Run the load; the exit code."""
    reasons = []
    for kind, make in (("bf16 matrix multiplication", by_torch), ("spinning kernel", by_driver)):
        try:
            work = make(uuid)
        except NoLoadError as error:
            reasons.append(f"{kind}: {error}")
            continue
        print(f"ready {kind}", flush=True)
        begun = time.perf_counter()
        busy = 0.0
        beat = 0
        while (now := time.perf_counter()) < begun + seconds:
            work(duty * PERIOD_S)
            busy += time.perf_counter() - now
            beat += 1
            time.sleep(max(0.0, begun + beat * PERIOD_S - time.perf_counter()))
        print(f"busy {busy / (time.perf_counter() - begun):.4f}", flush=True)
        return 0
    print("; ".join(reasons), flush=True)
    return 77


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])))
