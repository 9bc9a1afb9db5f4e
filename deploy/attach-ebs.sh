#!/bin/sh
# Brings the EBS volume of a dead broker's WAL to this instance, for
#
#   s3.wal.attach.command=/opt/seawall/attach-ebs.sh
#
# It needs the AWS command line and the rights ec2:DescribeVolumes,
# ec2:DetachVolume, ec2:AttachVolume and, for volumes with a file system, root.
#
# How it knows the volume: the tag seawall:node=<node id> on the volume.
# Where it goes: SEAWALL_ATTACH_DEVICE, by default /dev/sdw. A raw device
# (block:///dev/…) must have the same name here as on the dead broker: use a
# udev rule or a link by the volume's id. For a WAL in a file system, this
# mounts it where the path of the WAL says: SEAWALL_MOUNT_POINT, by default the
# directory of the file.
#
# Exit code 0 says that the volume is attached here, and so to nobody else: EBS
# volumes without multi-attach have one holder, and a forced detach ends when
# the old one can write no more.
set -eu
: "${SEAWALL_WAL_LOCATION:?}" "${SEAWALL_DEAD_NODE:?}"
device=${SEAWALL_ATTACH_DEVICE:-/dev/sdw}

token=$(curl -fsS -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
self=$(curl -fsS -m 5 -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/instance-id)

ask() { # the volume's id, state and holder
  aws ec2 describe-volumes --filters "Name=tag:seawall:node,Values=$SEAWALL_DEAD_NODE" \
    --query 'Volumes[].[VolumeId,State,Attachments[0].InstanceId,MultiAttachEnabled]' --output text
}
set -- $(ask)
[ $# -eq 4 ] || { echo "one volume tagged seawall:node=$SEAWALL_DEAD_NODE wanted, found: $*" >&2; exit 1; }
volume=$1 state=$2 holder=$3
[ "$4" = False ] || { echo "$volume is multi-attach: attaching it here fences nobody; use fence=reservation" >&2; exit 1; }

if [ "$holder" != "$self" ]; then
  if [ "$state" = in-use ]; then
    aws ec2 detach-volume --force --volume-id "$volume" >/dev/null
    aws ec2 wait volume-available --volume-ids "$volume"
  fi
  aws ec2 attach-volume --volume-id "$volume" --instance-id "$self" --device "$device" >/dev/null
  aws ec2 wait volume-in-use --volume-ids "$volume"
fi

case $SEAWALL_WAL_LOCATION in
file://*)
  at=${SEAWALL_MOUNT_POINT:-$(dirname "${SEAWALL_WAL_LOCATION#file://}")}
  serial=$(echo "$volume" | tr -d -)
  for i in 1 2 3 4 5 6 7 8 9 10; do # the kernel takes its time
    disk=$(lsblk -ndo PATH,SERIAL | awk -v s="$serial" '$2 == s { print $1 }')
    [ -n "$disk" ] && break
    sleep 1
  done
  [ -n "$disk" ] || { echo "$volume is attached and no disk shows it" >&2; exit 1; }
  mkdir -p "$at"
  mountpoint -q "$at" || mount "$disk" "$at"
  ;;
esac
