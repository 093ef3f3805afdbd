"""Names that are the same on many machines, and so tell nothing of one: only these stay as they are.

A list that is too short hides a word more; one that is too long tells one. So what is in here ships with systems,
with kernels or with well-known programs, and nothing is in here because it looks harmless.
"""

import re
from typing import Final


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


FOLDERS: Final = words(
    "bin boot scratch storage backup bus by-id by-label by-partuuid by-path by-uuid disk cache class config"
    " containers cpu cuda data dev devices dist-packages docker drm efi etc fd fs home hub huggingface lib"
    " lib32 lib64 libexec llama.cpp local log lost+found media mnt models net nix node nvidia ollama opt"
    " overlay2 proc profiles pts python python3 root run sbin self session share shm site-packages snap"
    " snapshots sources srv stat store sys system systemd tmp torch user usr var venv .venv .cache .config"
    " .local .ollama .steam blobs manifests transformers vllm Users Applications Library"
)
"""Components of paths. Numbers and names of Python versions stay, too."""
VERSIONED: Final = re.compile(r"python3?\.?\d*|cuda-\d+\.\d+|lib\w{0,3}|\d{1,7}|\.{1,2}|[a-z0-9_]+-linux-gnu")

KERNEL_FILES: Final = re.compile(
    r"[a-z_]{1,24}|PID|(?:hwmon|cpu|card|node|temp|fan|power|in|renderD)\d+\w{0,16}|[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d"
    r"|pci[0-9a-f:]{1,8}"
)
"""Below ``/proc`` and ``/sys``."""

PROGRAM_FOLDERS: Final = frozenset({"bin", "sbin", "libexec"})
"""What lies in them is a program and is named as one."""

PEOPLE: Final = frozenset({"home", "Users", "media"})
"""Folders whose entries are called as persons are."""

ENDINGS: Final = re.compile(
    r"(?:\.(?:gguf|ggml|safetensors|bin|pt|pth|onnx|engine|py|so|sh|json|jsonl|toml|yaml|yml|conf|cfg|ini|log|sock"
    r"|socket|db|sqlite|duckdb|parquet|csv|txt|md|pid|lock|service|img|iso|qcow2|gz|zst|xz|zip|tar|key|pem|crt|html"
    r"|wftop|tmp|age))+\Z"
)

ACCOUNTS: Final = words(
    "root daemon bin sys sync nobody www-data messagebus systemd-network systemd-resolve systemd-timesync"
    " systemd-oom systemd-coredump polkitd dbus avahi rtkit colord sshd syslog _apt chrony ntp postfix mail"
    " cron ollama nvidia-persistenced docker containerd nginx postgres redis mysql prometheus grafana gdm"
    " lightdm sddm dnsmasq _chrony tss uuidd kernoops cups lp saned pulse geoclue fwupd-refresh vllm node-exp"
    " node-exporter node_exporter slurm munge ray sssd tcpdump usbmux nm-openvpn"
)
"""Users that systems and packages make."""

PROGRAMS: Final = words(
    "python python3 node java bash sh zsh fish dash init systemd systemd-journald systemd-logind systemd-udevd"
    " systemd-resolved systemd-networkd systemd-timesyncd systemd-oomd dbus-daemon dbus-broker sshd ssh cron"
    " crond dockerd docker containerd containerd-shim containerd-shim-runc-v2 runc crio conmon podman kubelet"
    " kube-proxy nginx apache2 httpd postgres mysqld redis-server ollama ollama_llama_server llama-server"
    " llama-cli llama-bench vllm VLLM::EngineCore VLLM::Worker sglang text-generation-launcher"
    " text-generation-server tritonserver trtllm-serve koboldcpp lms comfyui localai local-ai wftop torchrun"
    " deepspeed accelerate mpirun ray raylet gcs_server nvidia-smi nvidia-persistenced nvtop nv-hostengine"
    " dcgm-exporter Xorg Xwayland gnome-shell kwin_wayland plasmashell firefox chrome chromium code tmux screen"
    " htop btop top vim nvim emacs git make gcc cc1 cc1plus ninja cargo rustc go npm pip uv pytest ruff mypy"
    " rsync tar gzip zstd cp dd find grep curl wget apt dpkg snapd NetworkManager ModemManager wpa_supplicant"
    " polkitd udisksd upowerd rtkit-daemon pipewire wireplumber pulseaudio cupsd agetty login sudo su sleep cat"
    " qemu-system-x86_64 libvirtd prometheus grafana node_exporter slurmd slurmstepd slurmctld jupyter-lab"
    " jupyter-notebook ffmpeg blender steam timeout tail head cut time tee sort uniq wc awk gawk sed xargs ls"
    " ps kill watch env nohup nice ionice setsid script ssh-agent gpg-agent sftp-server ksmd kauditd hwrng"
    " khungtaskd kdevtmpfs pool_workqueue_release kthreadd ecryptfs-kthread kintegrityd kpsmoused netns psimon"
    " hv_balloon edac-poller devfreq_wq ttm_swap card0-crtc0 gdb strace perf iostat vmstat nload iotop iperf3"
    " nccl-tests stress-ng VLLM::Worker_TP pt_data_worker llmster chronyd tensorboard nv-fabricmanager"
    " nvidia-fabricmanager slurmdbd munged sssd irqbalance smartd rsyslogd multipathd lvmetad fail2ban-server"
    " unattended-upgrade"
)
CUT: Final = frozenset(name[:15] for name in PROGRAMS if len(name) > 15)
"""As the kernel names their processes. Source: proc_pid_comm(5), 15 characters."""
KERNEL_THREADS: Final = re.compile(
    r"(?:kworker|ksoftirqd|migration|rcu_\w+|kswapd|kthreadd|irq|nvidia|nvme|jbd2|xfs\w*|ext4|scsi_eh|watchdogd?"
    r"|khugepaged|kcompactd|cpuhp|idle_inject|oom_reaper|writeback|kblockd|md|dm|loop|mmcqd|UVM|nv_queue)[-_/\w:.+]*"
)
"""At ``anonymous`` such a name stays up to the first sign that is no letter."""

HOSTS: Final = words(
    "localhost localhost.localdomain ip6-localhost github.com huggingface.co pypi.org ollama.com docs.vllm.ai"
    " docs.nvidia.com docs.kernel.org w3.org www.w3.org rfc-editor.org"
)
TOP_LEVELS: Final = words(
    "com org net edu gov mil int info biz io ai dev app cloud tech xyz online site me tv co eu de fr nl be at"
    " ch it es pt uk us ca au nz jp kr cn in br mx ru se no fi dk cz hu ro gr tr il za ie lu li local lan"
    " internal intranet corp home localdomain private intra test example invalid localhost arpa onion svc"
    " cluster"
)
"""Ends of names of hosts, without those that files have (py, sh, md, rs, so, pl)."""
URL_PARTS: Final = words(
    "v1 v2 metrics health healthz ping ready api tags ps version generate chat completions completion"
    " embeddings models model info stats slots props ws wss events queue history system_stats get_server_info"
    " sdapi prompt view object_info interrupt internal telemetry free upload server_info get_model_info running"
)

DEVICES: Final = re.compile(
    r"(?:(?:sd|hd|vd|xvd)[a-z]{1,2}\d{0,3}|nvme\d+(?:c\d+)?n\d+(?:p\d+)?|nvme\d+|(?:dm-|md|loop|zram|ram|sr|nbd|rbd"
    r"|bcache|pmem)\d+(?:p\d+)?|mmcblk\d+(?:p\d+)?|disk\d+(?:s\d+)*|BAT\d+|AC\d*|ADP\d+|UPS\d*|card\d+|renderD\d+"
    r"|nvidia\d+|mlx\d_\d+|tty\w{0,4}\d+|null|zero|cpu|memory|io|irq|nvidia|amd|intel"
    r"|(?:package|core|uncore|dram|psys|mmio)(?:-\d+){0,2}(?:-die-\d+)?"
    r"(?: of (?:package|psys)(?:-\d+){0,2}(?:-die-\d+)?)?)"
)
INTERFACES: Final = re.compile(
    r"(?:lo\d*|(?:eth|wlan|wwan|ib|bond|team|docker|virbr|tun|tap|wg|tailscale|cni|podman|lxcbr|lxdbr|br|usb|dummy"
    r"|en)\d{1,3}(?:\.\d{1,4})?|docker_gwbridge|flannel\.\d+|en(?:P\d+)?(?:o\d+|s\d+|p\d+s\d+)(?:f\d+)?(?:n?p?\d+)?"
    r"(?:d\d+)?(?:\.\d{1,4})?|wlp\d+s\d+(?:f\d+)?|wlo\d+|ibp\d+s\d+(?:f\d+)?)"
)
INTERFACE_KINDS: Final = ("veth", "br-", "cali", "vxlan", "vnet", "tap", "tun", "wg", "enx", "wlx", "lxc", "vmnet")
UNITS: Final = re.compile(
    r"(?:system|user|machine|init|kubepods|kubepods-burstable|kubepods-besteffort|docker|background|session|app)"
    r"\.(?:slice|scope)|session-\d+\.scope|(?:ssh|sshd|cron|docker|containerd|ollama|nginx|systemd-\w+|dbus"
    r"|NetworkManager|polkit|snapd|getty@tty\d|wftop|gdm|libvirtd|postgresql|redis|nvidia-persistenced)"
    r"\.(?:service|socket)"
)

SOURCES: Final = words(
    "cpu memory disk disks mounts network processes pressure sensors cgroup frequency cores paging links"
    " energy gpu gpu.sysfs gpu.presence gpu.worker servers core streams alerts recorder store journal segments"
    " push answers proxy view history sealer powercap batteries ux tokens frames health model custom"
)
"""Of wftop itself."""
PORTS: Final = frozenset(
    {
        80,
        443,
        1234,
        3000,
        5000,
        5001,
        7860,
        8000,
        8001,
        8002,
        8080,
        8081,
        8188,
        8265,
        8443,
        9090,
        9100,
        9400,
        11434,
    }
    | {30000, 52415}
)
"""That model servers and their like have by default."""

COMMON: Final = words(
    "vm pc nas mac user users test tests admin guest ubuntu debian fedora centos arch pi ec2-user azureuser"
    " vagrant jovyan app server client host machine model models data work home desktop laptop dev prod main"
    " box node gpu cpu disk memory network process processes source sources system alert alerts rule rules mark"
    " time state store view stream streams energy health reason error failed stuck late absent asleep denied"
    " unsupported silence event events token tokens queue request requests power limit limits loaded none null"
    " true false the and for not with from this that has was were what when where who why how all any are can"
    " its into since until before after while over under seconds minutes hours wftop nvidia amd intel linux"
    " kernel driver local localhost python vllm ollama llama container service name path file files socket port"
    " address key value mode"
)
"""Words of ordinary sentences: a user who is called so is found only where names of users stand."""
