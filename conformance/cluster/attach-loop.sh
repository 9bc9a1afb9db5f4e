#!/bin/sh
# Brings a dead broker's WAL on a loop device to the broker that runs it, as
#
#   s3.wal.attach.command=…/attach-loop.sh
#
# for trials on one machine: what attach-ebs.sh in deploy/ is for EBS volumes.
# The WAL is block:///PATH, where PATH is a link to a loop device and PATH.img
# the file behind it. The old device is taken away from its holder, and PATH
# leads to a new one of the same file.
#
# Exit code 0 says that the file is attached anew and nowhere else. A holder that
# lives keeps its device: a loop device cannot be taken from a process that has
# it open, so this fails until that is dead. Needs root.
set -eu
: "${SEAWALL_WAL_LOCATION:?}" "${SEAWALL_NODE:?}" "${SEAWALL_DEAD_NODE:?}"
link=${SEAWALL_WAL_LOCATION#block://}
image=$link.img

attached() { losetup --noheadings --output NAME --associated "$image"; }

exec 9>"$image.lock" # two rescuers would take it from each other
flock -w 30 9
for device in $(attached); do
	# A broker locks the device that it has open. Detaching would be put off
	# until it closes it, and fence nobody.
	flock -n "$device" true || { echo "node $SEAWALL_DEAD_NODE, or its last rescuer, has $device open" >&2; exit 1; }
	losetup --detach "$device"
done
[ -z "$(attached)" ] || { echo "$image is still attached: $(attached)" >&2; exit 1; }
device=$(losetup --find --show --direct-io=on "$image")
ln -sfn "$device" "$link.$SEAWALL_NODE"
mv -T "$link.$SEAWALL_NODE" "$link"
echo "$image is $device now"
