#!/usr/bin/env bash
# Removes everything that up.sh created, including all data.
#   ./down.sh [--region eu-central-1]
set -euo pipefail

region=eu-central-1
if [[ ${1-} == --region ]]; then region=$2; fi
tag=trireme
aws() { command aws --region "$region" --output text "$@"; }
ours=(--filters 'Name=tag:trireme,Values=cluster')

alive='Name=instance-state-name,Values=pending,running,stopping,stopped'
read -ra instances <<<"$(aws ec2 describe-instances "${ours[@]}" "$alive" --query 'Reservations[].Instances[].InstanceId')"
if ((${#instances[@]} > 0)); then
  aws ec2 terminate-instances --instance-ids "${instances[@]}" >/dev/null
  aws ec2 wait instance-terminated --instance-ids "${instances[@]}"
fi
for allocation in $(aws ec2 describe-addresses "${ours[@]}" --query 'Addresses[].AllocationId'); do
  aws ec2 release-address --allocation-id "$allocation"
done
for interface in $(aws ec2 describe-network-interfaces "${ours[@]}" --query 'NetworkInterfaces[].NetworkInterfaceId'); do
  aws ec2 delete-network-interface --network-interface-id "$interface"
done
for group in $(aws ec2 describe-security-groups "${ours[@]}" --query 'SecurityGroups[].GroupId'); do
  aws ec2 delete-security-group --group-id "$group"
done
for name in cluster operator; do
  aws ssm delete-parameter --name "/$tag/$name" || true
done
aws iam remove-role-from-instance-profile --instance-profile-name "$tag" --role-name "$tag" || true
aws iam delete-instance-profile --instance-profile-name "$tag" || true
aws iam delete-role-policy --role-name "$tag" --policy-name "$tag" || true
aws iam delete-role --role-name "$tag" || true
echo "removed all resources of $tag in $region"
