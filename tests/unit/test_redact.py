"""Secrets on command lines: 60 and more canaries of which none survives, ordinary lines that stay as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui import redact

# "CANARY" marks the secret: each line is tried with several secrets in its place.
NAMED = [
    "vllm serve m --api-key CANARY",
    "vllm serve m --api-key=CANARY --port 8000",
    "prog --token CANARY",
    "prog --token=CANARY",
    "prog -token CANARY",
    "prog --hf-token CANARY",
    "prog --hf_token=CANARY",
    "prog --secret CANARY",
    "prog --client-secret=CANARY",
    "prog --password CANARY",
    "prog --passwd=CANARY",
    "prog --pwd CANARY",
    "prog --passphrase CANARY",
    "prog --auth CANARY",
    "prog --auth-token=CANARY",
    "prog --credential CANARY",
    "prog --credentials=CANARY",
    "prog --cookie CANARY",
    "prog --session-cookie=CANARY",
    "prog --bearer CANARY",
    "prog --session CANARY",
    "prog --private-key CANARY",
    "prog --signature=CANARY",
    "prog --accessKey CANARY",
    "prog --apiKey=CANARY",
    "prog --APIKEY CANARY",
    "prog --db.password=CANARY",
    "java -Djavax.net.ssl.keyStorePassword=CANARY Main",
    "java -Dspring.datasource.password=CANARY Main",
    "env HF_TOKEN=CANARY python x.py",
    "env OPENAI_API_KEY=CANARY python x.py",
    "AWS_SECRET_ACCESS_KEY=CANARY aws s3 ls",
    "docker run -e HF_TOKEN=CANARY image",
    "docker run --env=HF_TOKEN=CANARY image",
    "docker run --env PGPASSWORD=CANARY postgres",
    "docker login -u me -p CANARY registry",
    "aws configure set aws_secret_access_key CANARY",
    "curl -u me:CANARY https://example.org/",
    "curl -ume:CANARY https://example.org/",
    "mysql -pCANARY db",
    "sshpass -p CANARY ssh host",
    "redis-cli -h h -a CANARY ping",
    "ldapsearch -D cn=x -w CANARY",
    "openssl rsa -passin pass:CANARY -in x.pem",
    "psql postgresql://me:CANARY@db/x",
    "git clone https://CANARY@example.org/x.git",
    "git clone https://me:CANARY@example.org:8443/x.git",
    "redis-server redis://:CANARY@host:6379/0",
    "wget https://example.org/x?token=CANARY&y=1",
    "wget https://example.org/x?y=1&api_key=CANARY",
    "wget https://example.org/x?X-Amz-Signature=CANARY",
    "prog --dsn host=h;user=u;password=CANARY;port=1",
    'prog --config-json {"api_key":"CANARY"}',
    "prog --config-json {'password':'CANARY'}",
    "Authorization: Bearer CANARY",
    "curl -H Authorization: Bearer CANARY http://x",
    "curl -H Authorization: Basic CANARY http://x",
    "curl -H X-Api-Key: CANARY http://x",
    "curl -H Cookie: a=CANARY; b=CANARY http://x",
    "sudo -u x timeout 5 curl -u a:CANARY https://h/",
]
SECRETS = ["hunter2", "s3cr3t-V4lue", "9f86d081884c7d65", "kX9vQ2mN7pL4sT8wZ1bY6cR3", "correcthorsebattery"]
# Words that show by themselves, wherever they stand.
BARE = [
    "sk-proj-4f9aKx82LmQ0",
    "sk-ant-api03-AbCdEf12345-x",
    "sk_live_51H8xYz0aBcDeF",
    "hf_AbCdEfGhIjKlMnOpQrStUvWx",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "gho_16C7e42F292c6912E7710c838347Ae178B4a",
    "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz",
    "xoxb-123456789012-abcdefGHIJKL",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "glpat-AbCd1234efGH5678ijKL",
    "nvapi-abcDEF123456ghiJKL7890",
    "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
    "npm_abcdefghijklmnopqrstuvwxyz0123456789",
    "kX9vQ2mN7pL4sT8wZ1bY6cR3dF5g",
    "dGhpcyBpcyBhIHNlY3JldCBrZXk0NTY3OA==",
    "q8Zr/4mVt0Lx7+BnK2yW9sCu5Hd1Jf3Ge6Pa+TiX",
    "5f4dcc3b5aa765d61d8327deb882cf99aabbccdd",
    "k3j9x8q2w7m4n6b1v5c0z8l2p9r4t7y1",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("line", NAMED)
def test_no_named_canary_survives(line: str, secret: str) -> None:
    planted = line.replace("CANARY", secret)
    assert secret not in redact.command_line_text(planted)
    if ": " not in line:  # a header is one argument
        assert secret not in redact.command_line(planted.split(" "))
    assert secret not in redact.command_line(["bash", "-c", planted])


@pytest.mark.parametrize("secret", BARE)
@pytest.mark.parametrize(
    "line", ["prog CANARY", "prog --flag CANARY x", "prog --flag=CANARY", "bash -c 'run CANARY'", "X=CANARY prog",
             "wget https://hooks.example.org/services/CANARY"]
)  # fmt: skip
def test_no_bare_canary_survives(line: str, secret: str) -> None:
    planted = line.replace("CANARY", secret)
    assert secret not in redact.command_line_text(planted)
    assert secret not in redact.command_line(planted.split(" "))
    assert secret not in redact.message(f"refused: {secret}")


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["curl", "-H", "Authorization: Bearer a b", "http://x"], "curl -H Authorization: Bearer *** http://x"),
        (["curl", "-H", "Cookie: a=1; b=2"], "curl -H Cookie: ***"),
        (["prog", "--password", "two words"], "prog --password ***"),
        (["prog", "--password=two words & more"], "prog --password=***"),
        (["prog", "--token", "--verbose", "x"], "prog --token --verbose x"),
        (["psql", "postgresql://u:p@ss/w@db/x"], "psql postgresql://***@db/x"),
        (["mysql", "-phunter2", "db"], "mysql -p*** db"),
        (["bash", "-c", 'curl -H "Authorization: Bearer abc" x'], 'bash -c curl -H "Authorization: Bearer ***" x'),
        (["p", "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"], "p ***"),
        (["p", "x=-----BEGIN RSA PRIVATE KEY-----\nabc"], "p x=***"),
        ([], ""),
    ],
)
def test_what_is_shown(argv: list[str], shown: str) -> None:
    assert redact.command_line(argv) == shown


ORDINARY = [
    "/sbin/init splash",
    "/usr/lib/systemd/systemd --user",
    "python -m vllm.entrypoints.openai.api_server --model meta-llama/Llama-3.1-8B --max-num-batched-tokens 8192",
    "vllm serve /models/Llama-4-70B-Instruct-fp8 --tensor-parallel-size 4 --tokenizer /models/tok",
    "vllm serve Qwen/Qwen3-30B-A3B-Instruct-2507-FP8 --max-model-len 32768 --tokenizer-mode auto",
    "ollama runner --model qwen3:8b-q4_K_M --ctx-size 4096",
    "/usr/bin/ollama runner --model /root/.ollama/models/blobs/"
    "sha256-8eeb52dfb3bb9aefdf9d1ef24b3bdbcfbe82238798c4b918278320b6fcef18fe --port 33127",
    "llama-server -m /models/mistral-7b-instruct-v0.2.Q4_K_M.gguf -c 8192 -ngl 99",
    "llama-server -m DeepSeek-R1-Distill-Qwen-32B-AWQ.gguf --keep 4 --n-predict 256",
    "python train.py --num-key-value-heads 8 --max-tokens 4096 --token-classification true",
    "sglang.launch_server --model-path /root/.cache/huggingface/hub/models--meta-llama--Llama-3.1-8B-Instruct/"
    "snapshots/0e9e39f249a16976918f6564b8830bc894c89659",
    "containerd-shim-runc-v2 -namespace moby -id "
    "3f4e5d6c7b8a90123456789abcdef0123456789abcdef0123456789abcdef012 -address /run/containerd/containerd.sock",
    "docker run --gpus device=GPU-8f6f1a3c-1c2d-4e5f-8a9b-0c1d2e3f4a5b --user 1000:1000 nvcr.io/nvidia/x:24.05",
    "docker pull image@sha256:3f4e5d6c7b8a90123456789abcdef0123456789abcdef0123456789abcdef012",
    "runc --root /run/docker/runtime-runc/moby --log-format json start",
    "docker run -v /run/secrets:/run/secrets -p 8080:80 nginx",
    "sshd: user@pts/0",
    "ssh -i /home/me/.ssh/id_ed25519 me@host.example.org",
    "ssh-agent -D -a /run/user/1000/keyring/ssh",
    "/usr/bin/gnome-keyring-daemon --foreground --components=pkcs11,secrets",
    "dbus-daemon --session --address=systemd: --nofork --nopidfile",
    "Xorg :0 -auth /run/user/120/gdm/Xauthority -nolisten tcp vt1",
    "nginx: worker process",
    "postgres: 16/main: autovacuum launcher",
    "kworker/0:1H-kblockd",
    "[kthreadd]",
    "uvicorn app:main --host 0.0.0.0 --port 8000 --ssl-keyfile /etc/ssl/key.pem --ssl-certfile=/etc/ssl/cert.pem",
    "prog --api-key-file /run/keys/api --token-file=/run/token",
    "prog --key /etc/ssl/private/host.key --credentials ~/.aws/credentials",
    "git fetch --depth 1 origin main",
    "git checkout --revision 0e9e39f249a16976918f6564b8830bc894c89659",
    "curl -s http://localhost:11434/api/tags",
    "curl -H Content-Type: application/json http://127.0.0.1:8000/v1/models?limit=10&offset=2",
    "java -Xmx4g -XX:+UseG1GC -jar /opt/app/server-1.2.3-SNAPSHOT.jar --spring.profiles.active=prod",
    "node /home/me/.vscode-server/bin/0ee08df0cf4527e40edc9aa28f4b5bd38bbff2b2/out/server-main.js --port 0",
    "/nix/store/0c7fy2k0zq9xjhsn1a2b3c4d5e6f7g8h-python3-3.11.7/bin/python3 app.py",
    "tmux new-session -s main",
    "python -c import time; time.sleep(5)",
    "rsync -a --delete /data/ backup@nas:/volume1/backup-2026-11-20/",
    "ffmpeg -i in.mp4 -force_key_frames 4 -c:v libx264 out.mp4",
    "code --type=renderer --field-trial-handle=0,i,1234567890,9876543210,262144 --enable-features=PlatformHEVC",
    "/usr/libexec/org.freedesktop.NetworkManager --no-daemon",
    "pause vllm-deployment-7c9f8d6b5d-x2k4p",
    "torchrun --nproc_per_node=8 --rdzv_endpoint=node0:29500 finetune.py --bf16 --gradient_checkpointing",
    "wftop record --data-dir /home/me/.local/share/wftop",
    "python LlamaForCausalLMWithValueHead.py --author bob --keyboard us --monkey george",
]


@pytest.mark.parametrize("line", ORDINARY)
def test_ordinary_lines_stay(line: str) -> None:
    assert redact.command_line(line.split(" ")) == line
    assert redact.command_line_text(line) == line


@pytest.mark.parametrize("line", ["prog {}", "prog --flag {}", "prog --flag={}", "X={} prog"])
def test_base64_with_slashes_is_no_path(line: str) -> None:
    planted = "uz0EG0DYG1z/Mex9NysksUnD0y/HKsY1kMmnNg1j"
    assert redact.command_line(line.format(planted).split(" ")) == line.format("***")


def test_enough_lines() -> None:
    assert len(NAMED) + len(BARE) >= 60
    assert len(ORDINARY) >= 40


def test_messages_keep_their_words() -> None:
    plain = "the token was refused by http://h:80/x, password required: see the log"
    assert redact.message(plain) == plain
    assert redact.message("GET http://u:p@h/x?token=abc failed") == "GET http://***@h/x?token=*** failed"


def test_long_lines_are_cut_before_the_search() -> None:
    line = redact.command_line(["prog", *["word"] * 100_000, "--token", "hunter2"])
    assert len(line) < 8_200
    key = "kX9vQ2mN7pL4sT8wZ1bY6cR3dF5g"
    for pad in range(8_150, 8_200):
        assert key[:6] not in redact.command_line(["x" * pad, key])


@given(st.lists(st.text(max_size=60), max_size=8))
def test_any_arguments_are_taken(argv: list[str]) -> None:
    shown = redact.command_line(argv)
    assert isinstance(shown, str)
    assert redact.command_line_text(shown) is not None


@given(
    st.sampled_from(["--api-key", "--password", "--hf-token", "--client-secret"]),
    st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzABCDEFGH0123456789!$%^&*,;:/+@"), min_size=6, max_size=40),
    st.booleans(),
)
def test_no_generated_value_survives(flag: str, value: str, joined: bool) -> None:
    secret = "Q" + value  # not a switch's word, a path or an option
    argv = ["prog", f"{flag}={secret}"] if joined else ["prog", flag, secret]
    assert secret not in redact.command_line(argv)
