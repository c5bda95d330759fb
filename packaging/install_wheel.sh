#!/bin/sh
# Install the wheel with its tested versions into PREFIX, on Debian 12 or a derivative; the images are made with it.
#
#     install_wheel.sh WHEEL CONSTRAINTS PREFIX
#
# Some libraries have no ready-made package for every Python and are compiled: the compiler is removed again.
set -eu
wheel=$1 constraints=$2 prefix=$3
compiler="gcc libc6-dev zlib1g-dev"
# A python that is Debian's own needs more: its venv and headers are packages of their own.
if [ "$(command -v python3)" = /usr/bin/python3 ]; then
    compiler="$compiler python3-venv python3-dev"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq > /dev/null
# shellcheck disable=SC2086 # several words
apt-get install -qq -y --no-install-recommends $compiler > /dev/null
python3 -m venv "$prefix"
"$prefix/bin/pip" install --no-cache-dir --quiet -c "$constraints" "${wheel}[report]"
# shellcheck disable=SC2086
apt-get purge -qq -y --auto-remove $compiler > /dev/null
rm -rf /var/lib/apt/lists/*
"$prefix/bin/deepconsensus-py" doctor
