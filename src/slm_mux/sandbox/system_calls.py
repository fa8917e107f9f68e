"""A filter of system calls: what the limits of a process do not bind, and what no program needs.

Memory that belongs to no process (System V segments, anonymous files), new namespaces, mounts, and
looking into other processes. A program that asks for one gets EPERM.
"""

import platform
import struct

_LOAD, _EQUAL, _SET, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_NEW_NAMESPACES = 0x7E020000
"""The flags CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET of `clone`."""
_CLONE3 = 435
_OTHER_CALLS_FROM = 0x40000000
"""On x86_64, the x32 calls."""
# io_uring_setup, _enter, _register, open_tree, move_mount, fsopen, fsconfig, fsmount, fspick,
# mount_setattr, memfd_secret: the same on all architectures.
_NEWER = (425, 426, 427, 428, 429, 430, 431, 432, 433, 442, 447)
# In this order: ptrace, process_vm_readv, process_vm_writev, unshare, setns, mount, umount2,
# pivot_root, chroot, add_key, request_key, keyctl, bpf, perf_event_open, userfaultfd,
# memfd_create, shmget, shmat, shmctl, msgget, semget, mq_open, name_to_handle_at,
# open_by_handle_at, kexec_load, init_module, finit_module, acct, swapon, reboot, personality.
_X86_64 = (
    *(101, 310, 311, 272, 308, 165, 166, 155, 161, 248, 249, 250, 321, 298, 323),
    *(319, 29, 30, 31, 68, 64, 240, 303, 304, 246, 175, 313, 163, 167, 169, 135),
)
_AARCH64 = (
    *(117, 270, 271, 97, 268, 40, 39, 41, 51, 217, 218, 219, 280, 241, 282),
    *(279, 194, 196, 195, 186, 190, 180, 264, 265, 104, 105, 273, 89, 224, 142, 92),
)
_MACHINES = {
    "x86_64": (0xC000003E, 56, _X86_64),
    "aarch64": (0xC00000B7, 220, _AARCH64),
}


def system_call_filter(machine: str | None = None) -> bytes | None:
    """A classic BPF program for seccomp, or None where the machine's call numbers are not known.

    Args:
        machine: as `platform.machine()` names it; None for this one.
    """
    known = _MACHINES.get(machine or platform.machine())
    if known is None:
        return None
    architecture, clone, denied = known
    numbers = (*denied, *_NEWER)
    # The last four instructions: allow, EPERM, ENOSYS, kill. Jumps count from the next one.
    tests = [
        (_EQUAL, _CLONE3, "enosys"),
        (_AT_LEAST, _OTHER_CALLS_FROM, "eperm"),
        *((_EQUAL, number, "eperm") for number in numbers),
    ]
    ends = {"allow": 0, "eperm": 1, "enosys": 2, "kill": 3}
    first_end = 3 + len(tests) + 3
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 0, first_end + ends["kill"] - 2, architecture),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for code, number, end in tests:
        program.append((code, first_end + ends[end] - len(program) - 1, 0, number))
    program += [
        (_EQUAL, 0, 2, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_SET, 1, 0, _NEW_NAMESPACES),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | _EPERM),
        (_RETURN, 0, 0, _ERRNO | _ENOSYS),
        (_RETURN, 0, 0, _KILL),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
