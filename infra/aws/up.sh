#!/usr/bin/env bash
# Three replicas on three instances, a catalog beside the first and the second, a front-end on each, from an archive of this
# repository in S3. Prints the public URLs. Remove all of it with down.sh.
#   ./up.sh --archive s3://bucket/trireme.tar.gz [--region eu-central-1] [--type t3.small] [--from 0.0.0.0/0]
set -euo pipefail

region=eu-central-1 type=t3.small from=0.0.0.0/0 archive=
while (($# > 0)); do
  case $1 in
    --region) region=$2 ;;
    --type) type=$2 ;;
    --from) from=$2 ;;
    --archive) archive=$2 ;;
    *) echo "unknown flag $1" >&2 && exit 64 ;;
  esac
  shift 2
done
[[ -n $archive ]] || { echo 'give --archive s3://bucket/trireme.tar.gz (git archive --format=tar.gz HEAD)' >&2; exit 64; }

tag=trireme
aws() { command aws --region "$region" --output text "$@"; }
tagged() { echo "ResourceType=$1,Tags=[{Key=Name,Value=$tag},{Key=trireme,Value=cluster}]"; }

vpc=$(aws ec2 describe-vpcs --filters Name=is-default,Values=true --query 'Vpcs[0].VpcId')
# One subnet an availability zone: a zone that burns takes one replica with it.
read -ra subnets <<<"$(aws ec2 describe-subnets --filters "Name=vpc-id,Values=$vpc" Name=default-for-az,Values=true --query 'Subnets[0:3].SubnetId')"
image=$(aws ssm get-parameter --name /aws/service/debian/release/12/latest/amd64 --query Parameter.Value)

group=$(aws ec2 create-security-group --group-name "$tag" --description 'Trireme cluster' --vpc-id "$vpc" \
  --tag-specifications "$(tagged security-group)" --query GroupId)
# The world sees front-ends alone; internal ports are for members of the group.
aws ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp --port 8080 --cidr "$from" >/dev/null
aws ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp --port 8180-8201 --source-group "$group" >/dev/null

# The secrets never stand in user data, which anyone on the instance can read: the instances fetch them by their role.
for name in cluster operator; do
  command aws --region "$region" ssm put-parameter --name "/$tag/$name" --type SecureString --overwrite \
    --value "file://"<(openssl rand -hex 32) >/dev/null
done
aws iam create-role --role-name "$tag" --assume-role-policy-document \
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}' >/dev/null
account=$(aws sts get-caller-identity --query Account)
bucket=${archive#s3://}
aws iam put-role-policy --role-name "$tag" --policy-name "$tag" --policy-document "$(
  cat <<POLICY
{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Action":"ssm:GetParameter","Resource":"arn:aws:ssm:$region:$account:parameter/$tag/*"},
  {"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::$bucket"}]}
POLICY
)"
aws iam create-instance-profile --instance-profile-name "$tag" >/dev/null
aws iam add-role-to-instance-profile --instance-profile-name "$tag" --role-name "$tag"
aws iam wait instance-profile-exists --instance-profile-name "$tag"
# A role that was just made is not known everywhere yet.
sleep 15

# Addresses first, so that each instance knows the others' before it starts.
interfaces=() addresses=()
for i in 0 1 2; do
  interface=$(aws ec2 create-network-interface --subnet-id "${subnets[i]}" --groups "$group" \
    --tag-specifications "$(tagged network-interface)" --query NetworkInterface.NetworkInterfaceId)
  interfaces+=("$interface")
  addresses+=("$(aws ec2 describe-network-interfaces --network-interface-ids "$interface" --query 'NetworkInterfaces[0].PrivateIpAddress')")
done
list() { echo "1=http://${addresses[0]}:$1,2=http://${addresses[1]}:$1,3=http://${addresses[2]}:$1"; }

here=$(dirname "$0")
instances=()
for i in 0 1 2; do
  user_data=$(sed -e "s|@ID@|$((i + 1))|g" -e "s|@ADDRESS@|${addresses[i]}|g" -e "s|@PEERS@|$(list 8201)|g" \
    -e "s|@REPLICAS@|$(list 8191)|g" -e "s|@ARCHIVE@|$archive|g" \
    -e "s|@REGION@|$region|g" "$here/user-data.sh")
  instances+=("$(aws ec2 run-instances --image-id "$image" --instance-type "$type" \
    --network-interfaces "NetworkInterfaceId=${interfaces[i]},DeviceIndex=0" --iam-instance-profile "Name=$tag" \
    --metadata-options HttpTokens=required --user-data "$user_data" \
    --tag-specifications "$(tagged instance)" "$(tagged volume)" --query 'Instances[0].InstanceId')")
done
aws ec2 wait instance-running --instance-ids "${instances[@]}"

# An interface that is given gets no public address by itself.
for i in 0 1 2; do
  allocation=$(aws ec2 allocate-address --tag-specifications "$(tagged elastic-ip)" --query AllocationId)
  aws ec2 associate-address --allocation-id "$allocation" --network-interface-id "${interfaces[i]}" >/dev/null
  address=$(aws ec2 describe-addresses --allocation-ids "$allocation" --query 'Addresses[0].PublicIp')
  echo "http://$address:8080"
done
