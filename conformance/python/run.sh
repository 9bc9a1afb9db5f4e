#!/usr/bin/env bash
# usage: BOOTSTRAP=host:port python/run.sh confluent|kafka-python|aiokafka
# Python clients, in a virtual environment of their own below .cache/conformance.
. "$(dirname "$0")/../lib.sh"
: "${BOOTSTRAP:?set it to host:port of a broker}"
here=$CONFORMANCE/python
venv=$CACHE/venv-$(sha256sum "$here/requirements.txt" | cut -c1-12)

make_venv() {
	[ ! -e "$venv/complete" ] || return 0
	rm -rf "$venv"
	python3 -m venv "$venv" && "$venv/bin/pip" install -q -r "$here/requirements.txt" && touch "$venv/complete"
}
command -v python3 >/dev/null || stop_without python3 "Python 3.9 or newer with venv (Debian: python3-venv)"
lock venv make_venv || stop_without "the Python clients" "an environment with the packages of conformance/python/requirements.txt"

case ${1:-} in
confluent) script=confluent.py ;;
kafka-python) script=kafka_python.py ;;
aiokafka) script=aio.py ;;
*) sed -n 2p "$0"; exit 2 ;;
esac
export PYTHONDONTWRITEBYTECODE=1
exec timeout 300 "$venv/bin/python" "$here/$script"
