#!/usr/bin/env bash
# Install the wheel in a bare Debian 12 as the images do, and polish testdata/ there without root's rights.
#
#     packaging/try_in_chroot.sh    # about five minutes; 77 is the status where it cannot be run
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
skip() {
    echo "SKIPPED: $1"
    exit 77
}
[ "$(id -u)" = 0 ] || skip "needs root, for chroot"
command -v debootstrap > /dev/null || skip "needs debootstrap"
wheels=(dist/deepconsensus_py-*.whl)
[ -e "${wheels[0]}" ] || skip "needs the wheel: python -m build --wheel"

system=$(mktemp -d)
chmod 755 "$system"
trap 'rm -rf "$system"' EXIT
debootstrap --variant=minbase --include=python3,ca-certificates bookworm "$system" > "$system.log" 2>&1 \
    || { tail -n 5 "$system.log"; skip "debootstrap cannot fetch Debian"; }
rm -f "$system.log"
# As a container's engine does: the network, certificates and mirrors of the host.
cp /etc/resolv.conf "$system/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$system/etc/ssl/certs/"
cp -r /etc/apt/sources.list* /etc/apt/apt.conf.d "$system/etc/apt/"

mkdir "$system/install" "$system/data"
cp "${wheels[0]}" constraints.txt packaging/install_wheel.sh "$system/install/"
cp testdata/*.bam "$system/data/"
chmod 1777 "$system/data"
chroot "$system" sh /install/install_wheel.sh "/install/$(basename "${wheels[0]}")" /install/constraints.txt /opt/deepconsensus-py
rm -rf "${system:?}/install"
echo "size: $(du -sm "$system" | cut -f1) MB, of it /opt/deepconsensus-py $(du -sm "$system/opt/deepconsensus-py" | cut -f1) MB"
chroot --userspec=1000:1000 "$system" env -i HOME=/data PATH=/opt/deepconsensus-py/bin:/usr/bin:/bin \
    sh -c 'cd /data && deepconsensus-py polish subreads.bam --ccs ccs.bam -o polished.bam && ls -l'
