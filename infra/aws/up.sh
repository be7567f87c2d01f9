#!/usr/bin/env bash
# Runs a replica and a front-end on each of three instances, and a catalog on the first two, from an archive of this
# repository in S3. Prints the public URLs. down.sh removes everything.
#   ./up.sh --archive s3://bucket/trireme.tar.gz [--region eu-central-1] [--type t3.small] [--from 0.0.0.0/0]
set -euo pipefail

region=eu-central-1 type=t3.small from=0.0.0.0/0 archive=
while (($# > 0)); do
  case $1 in
    --region) region=$2 ;;
    --type) type=$2 ;;
    --from) from=$2 ;;
    --archive) archive=$2 ;;
    *) echo "error: unknown option $1" >&2 && exit 64 ;;
  esac
  shift 2
done
[[ -n $archive ]] || { echo 'error: missing --archive s3://bucket/trireme.tar.gz (make the archive with git archive --format=tar.gz HEAD)' >&2; exit 64; }

tag=trireme
aws() { command aws --region "$region" --output text "$@"; }
tagged() { echo "ResourceType=$1,Tags=[{Key=Name,Value=$tag},{Key=trireme,Value=cluster}]"; }

vpc=$(aws ec2 describe-vpcs --filters Name=is-default,Values=true --query 'Vpcs[0].VpcId')
# One subnet in each availability zone, so that the loss of a zone costs only one replica.
read -ra subnets <<<"$(aws ec2 describe-subnets --filters "Name=vpc-id,Values=$vpc" Name=default-for-az,Values=true --query 'Subnets[0:3].SubnetId')"
image=$(aws ssm get-parameter --name /aws/service/debian/release/12/latest/amd64 --query Parameter.Value)

group=$(aws ec2 create-security-group --group-name "$tag" --description 'Trireme cluster' --vpc-id "$vpc" \
  --tag-specifications "$(tagged security-group)" --query GroupId)
# Only the front-ends are public; internal ports are open only within the security group.
aws ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp --port 8080 --cidr "$from" >/dev/null
aws ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp --port 8180-8201 --source-group "$group" >/dev/null

# No secrets in user data, which anyone on the instance can read: the instances fetch them with their role.
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
# Wait until the new role is known everywhere.
sleep 15

# Create the addresses first, so that each instance knows those of the others when it starts.
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

# EC2 assigns no public address to an instance with an existing network interface.
for i in 0 1 2; do
  allocation=$(aws ec2 allocate-address --tag-specifications "$(tagged elastic-ip)" --query AllocationId)
  aws ec2 associate-address --allocation-id "$allocation" --network-interface-id "${interfaces[i]}" >/dev/null
  address=$(aws ec2 describe-addresses --allocation-ids "$allocation" --query 'Addresses[0].PublicIp')
  echo "http://$address:8080"
done
