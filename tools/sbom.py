#!/usr/bin/env python3
"""The parts that the binary is made of, as CycloneDX 1.5 (JSON), from the lock files. The same sources give the same text.

    tools/sbom.py VERSION > fastpool.cdx.json
"""
import base64
import json
import pathlib
import sys

# They look at the sources or are not linked in; the compiler's own package brings the runtime that is.
TOOLS = ("Microsoft.CodeAnalysis.", "Microsoft.NET.ILLink.Tasks")


def components(root):
    found = {}
    for path in sorted((root / "src").glob("*/packages.lock.json")):
        for packages in json.loads(path.read_text())["dependencies"].values():
            for name, package in packages.items():
                if package["type"] != "Project" and not name.startswith(TOOLS):
                    found[name, package["resolved"]] = package["contentHash"]
    for (name, version), content_hash in sorted(found.items()):
        purl = f"pkg:nuget/{name}@{version}"
        yield {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": version,
            "purl": purl,
            "hashes": [{"alg": "SHA-512", "content": base64.b64decode(content_hash).hex()}],
        }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    product = {"type": "application", "bom-ref": "fastpool", "name": "fastpool", "version": sys.argv[1]}
    parts = list(components(pathlib.Path(__file__).resolve().parent.parent))
    # Loaded when it is needed, and not shipped.
    parts.append({"type": "library", "bom-ref": "openssl", "name": "openssl", "scope": "optional",
                  "description": "libssl and libcrypto of the machine, 1.1.1 or 3"})
    json.dump({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": product},
        "components": parts,
        "dependencies": [{"ref": "fastpool", "dependsOn": [part["bom-ref"] for part in parts]}],
    }, sys.stdout, indent=2)
    print()


main()
