"""Builds the image as a container engine does, and runs commands in it, locked down."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.helpers.deploy.deployed import CONFIG, STORAGE
from tests.helpers.paths import ROOT

FOLDER = Path(os.environ.get("IMAGE_ENGINE", ROOT / ".tools/engine"))
"""Where `make engine` has put buildah, runc and the stand-in for the image's base."""

BASE = "localhost/python"
IMAGE = "localhost/error-budget-exporter"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Whom this machine trusts, such as a proxy in front of the package index."""


class EngineMissingError(Exception):
    """There is nothing here that images can be built or run with; the words say why."""


class Engine:
    """buildah and runc with a storage of their own, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._home = folder / "home"
        self._mounted: dict[str, Path] = {}
        if not (FOLDER / "python.tar").exists():
            raise EngineMissingError("`make engine` has not been called")
        if os.geteuid() != 0:
            raise EngineMissingError("only root may unpack an image with its users")
        containers = self._home / ".config/containers"
        containers.mkdir(parents=True)
        (containers / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
        )
        self._make_base()

    def build(self, arguments: dict[str, str]) -> None:
        """Build the project's Dockerfile on the stand-in, with its arguments.

        Raises:
            subprocess.CalledProcessError: it cannot be built; the output says why.
        """
        given = {"PYTHON": BASE, **arguments}
        flags = [f"--build-arg={name}={value}" for name, value in given.items()]
        self.buildah("build", "--layers=false", "--format=docker", f"--tag={IMAGE}", *flags, ROOT)

    def mount(self, image: str) -> Path:
        """The root folder of a container of an image, which nobody is to write to."""
        if image not in self._mounted:
            self._mounted[image] = Path(self.buildah("mount", self._container(image)))
        return self._mounted[image]

    def inspect(self, image: str) -> dict:
        """What the image says of itself and wants to run."""
        config: dict = json.loads(self.buildah("inspect", "--type=image", image))["Docker"][
            "config"
        ]
        return config

    def buildah(self, *arguments: str | Path) -> str:
        """What buildah answers."""
        command = [FOLDER / "in-engine", "buildah", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=self._environment()
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def close(self) -> None:
        """Leave nothing behind: images are large."""
        shutil.rmtree(self._folder / "graph", ignore_errors=True)

    def _container(self, image: str) -> str:
        return self.buildah("from", "--pull-never", image)

    def _make_base(self) -> None:
        container = self._container("scratch")
        self.buildah("add", "--quiet", container, FOLDER / "python.tar", "/")
        if CERTIFICATES.exists():
            self.buildah("copy", "--quiet", container, CERTIFICATES, CERTIFICATES)
            self.buildah("config", f"--env=PIP_CERT={CERTIFICATES}", container)
        self.buildah("commit", "--quiet", "--rm", container, BASE)

    def _environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            "HOME": str(self._home),
            "TMPDIR": str(self._folder),
            "CONTAINERS_STORAGE_CONF": str(self._folder / "storage.conf"),
            "BUILDAH_ISOLATION": "chroot",  # needs neither a daemon nor cgroups
        }


class Container:
    """One that may do as little as in deploy/kubernetes: its root is read-only, its user nobody.

    It shares the network of this machine, so that tests reach it, and it reaches them, by loopback.
    """

    def __init__(self, root: Path, image: dict, folder: Path, config: Path) -> None:
        self.name = f"exporter-{os.getpid()}-{folder.name}"
        self._folder = folder
        self._image = image
        ledger = folder / "ledger"
        ledger.mkdir(parents=True)
        user = int(image["User"].split(":")[0])
        os.chown(ledger, user, user)
        self._specification = {
            "ociVersion": "1.0.2",
            "root": {"path": str(root), "readonly": True},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid"]},
                {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
                self._bound(config, CONFIG, "ro"),
                self._bound(ledger, STORAGE, "rw"),
            ],
            "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]},
        }

    def command(
        self, *arguments: str, environment: dict[str, str] | None = None
    ) -> list[str | Path]:
        """What runs these arguments in it, as its first process."""
        process = {
            "args": list(arguments),
            "cwd": "/",
            "env": [*self._image["Env"], *(f"{k}={v}" for k, v in (environment or {}).items())],
            "user": dict.fromkeys(("uid", "gid"), int(self._image["User"].split(":")[0])),
            "noNewPrivileges": True,
            "capabilities": {"bounding": [], "effective": [], "permitted": []},
        }
        (self._folder / "config.json").write_text(
            json.dumps({**self._specification, "process": process})
        )
        return self._runc("run", "--bundle", self._folder, self.name)

    def execute(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run something beside its first process, as a health check does."""
        command = self._runc("exec", self.name, *arguments)
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def run(
        self, *arguments: str, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run arguments to their end."""
        command = self.command(*arguments, environment=environment)
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def close(self) -> None:
        """End what still runs in it."""
        command = self._runc("delete", "--force", self.name)
        subprocess.run(command, capture_output=True, check=False)

    def _runc(self, *arguments: str | Path) -> list[str | Path]:
        return [FOLDER / "in-engine", "runc", "--root", self._folder / "runc", *arguments]

    @staticmethod
    def _bound(source: Path, destination: str, access: str) -> dict:
        return {
            "destination": destination,
            "type": "bind",
            "source": str(source),
            "options": ["bind", access],
        }
