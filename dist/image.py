#!/usr/bin/env python3
"""An OCI image without an engine, from scratch: the binary, and the libraries of this machine that it is linked with or loads for TLS.

    dist/image.py [-b BINARY] -o FOLDER

FOLDER gets fastpool-VERSION-oci.tar, for podman load -i, docker load -i or skopeo copy oci-archive:.... The same binary and libraries give
the same bytes. There is no shell in the image: it takes its configuration from /etc/pgbouncer/pgbouncer.ini, which is mounted. The image
of dist/Dockerfile makes one of variables.
"""
import argparse
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
USER = 10001
# Loaded when TLS is asked for. Of each line the first that this machine has.
TLS = [("libcrypto.so.3", "libcrypto.so.1.1"), ("libssl.so.3", "libssl.so.1.1")]
AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
ARCHITECTURES = {62: "amd64", 183: "arm64"}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def linked(path):
    """Paths of the libraries that it is linked with, as this machine finds them; the loader is one of them."""
    return re.findall(r"(/\S+) \(0x", run("ldd", path))


def tls_libraries():
    listing = run("/sbin/ldconfig", "-p")
    for names in TLS:
        for name in names:
            found = re.search(rf"^\s*{re.escape(name)} \(.*\) => (\S+)$", listing, re.M)
            if found:
                yield found.group(1)
                break
        else:
            sys.exit(f"error: this machine has none of {', '.join(names)}")


def files(binary):
    """Name in the image to content and mode. A library has the path by which the loader finds it here."""
    found = {"usr/sbin/pgbouncer": (pathlib.Path(binary).read_bytes(), 0o755)}
    libraries = set(linked(binary))
    for library in tls_libraries():
        libraries |= {library, *linked(library)}
    for library in libraries:
        found[library.lstrip("/")] = (pathlib.Path(library).read_bytes(), 0o755)
    for path in AUTHORITIES:
        if os.path.exists(path):
            found["etc/ssl/certs/ca-certificates.crt"] = (pathlib.Path(path).read_bytes(), 0o644)
            break
    found["etc/passwd"] = (f"root:x:0:0::/:/\npgbouncer:x:{USER}:{USER}::/:/\n".encode(), 0o644)
    found["etc/group"] = (f"root:x:0:\npgbouncer:x:{USER}:\n".encode(), 0o644)
    found["usr/share/doc/fastpool/copyright"] = ((ROOT / "LICENSE").read_bytes(), 0o644)
    return found


def layer(binary, epoch):
    contents = files(binary)
    folders = {str(parent) for name in contents for parent in pathlib.PurePosixPath(name).parents} - {"."}
    own = {"etc/pgbouncer": 0o750, "run/pgbouncer": 0o755, "tmp": 0o1777}
    folders |= set(own) | {"run"}
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        def add(name, kind, mode, owner=0, data=None, link=""):
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.mtime, info.uid, info.gid, info.linkname = kind, mode, epoch, owner, owner, link
            info.size = len(data) if data is not None else 0
            tar.addfile(info, io.BytesIO(data) if data is not None else None)

        for name in sorted(folders):
            add(name, tarfile.DIRTYPE, own.get(name, 0o755), USER if name in own and name != "tmp" else 0)
        for name, (data, mode) in sorted(contents.items()):
            add(name, tarfile.REGTYPE, mode, data=data)
        add("usr/sbin/fastpool", tarfile.SYMTYPE, 0o777, link="pgbouncer")
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0) as stream:
        stream.write(raw.getvalue())
    return raw.getvalue(), packed.getvalue()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def text(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def image(binary, version, epoch):
    """Names and contents of an OCI layout."""
    machine = int.from_bytes(pathlib.Path(binary).read_bytes()[18:20], "little")
    raw, packed = layer(binary, epoch)
    created = run("date", "-u", "-d", f"@{epoch}", "+%Y-%m-%dT%H:%M:%SZ").strip()
    config = text({
        "created": created, "architecture": ARCHITECTURES[machine], "os": "linux",
        "config": {
            "User": f"{USER}:{USER}", "ExposedPorts": {"6432/tcp": {}}, "StopSignal": "SIGINT",
            "Env": ["PATH=/usr/sbin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
            "Entrypoint": ["/usr/sbin/pgbouncer"], "Cmd": ["/etc/pgbouncer/pgbouncer.ini"],
            "Labels": {"org.opencontainers.image.title": "fastpool", "org.opencontainers.image.version": version},
        },
        "rootfs": {"type": "layers", "diff_ids": [digest(raw)]},
        "history": [{"created": created, "created_by": "dist/image.py"}],
    })
    media = "application/vnd.oci.image."
    manifest = text({
        "schemaVersion": 2, "mediaType": media + "manifest.v1+json",
        "config": {"mediaType": media + "config.v1+json", "digest": digest(config), "size": len(config)},
        "layers": [{"mediaType": media + "layer.v1.tar+gzip", "digest": digest(packed), "size": len(packed)}],
    })
    index = text({
        "schemaVersion": 2, "mediaType": media + "index.v1+json",
        "manifests": [{"mediaType": media + "manifest.v1+json", "digest": digest(manifest), "size": len(manifest),
                       "annotations": {"org.opencontainers.image.ref.name": version, "io.containerd.image.name": f"fastpool:{version}"}}],
    })
    blobs = {"blobs/sha256/" + digest(data)[7:]: data for data in (config, manifest, packed)}
    return {"oci-layout": text({"imageLayoutVersion": "1.0.0"}), "index.json": index, **blobs}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("-b", default=str(ROOT / "out" / "fastpool"))
    parser.add_argument("-o", required=True)
    options = parser.parse_args()
    version = re.search("<Version>(.*)</Version>", (ROOT / "Directory.Build.props").read_text()).group(1)
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or run("git", "-C", str(ROOT), "log", "-1", "--format=%ct"))
    os.makedirs(options.o, exist_ok=True)
    path = os.path.join(options.o, f"fastpool-{version}-oci.tar")
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in sorted(image(options.b, version, epoch).items()):
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), epoch
            tar.addfile(info, io.BytesIO(data))
    print(path)


main()
