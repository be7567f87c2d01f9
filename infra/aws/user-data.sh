#!/usr/bin/env bash
# First start of each instance. up.sh replaces the placeholders between at signs.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes awscli curl ca-certificates gnupg
curl --fail --silent --show-error https://deb.nodesource.com/gpgkey/nodesource-repo.gpg.key |
  gpg --dearmor --output /usr/share/keyrings/nodesource.gpg
echo 'deb [signed-by=/usr/share/keyrings/nodesource.gpg] https://deb.nodesource.com/node_24.x nodistro main' \
  >/etc/apt/sources.list.d/nodesource.list
apt-get update
apt-get install --yes nodejs

useradd --system --home-dir /opt/trireme --shell /usr/sbin/nologin trireme
install -d /opt/trireme /etc/trireme
aws --region '@REGION@' s3 cp '@ARCHIVE@' - | tar --extract --gzip --directory /opt/trireme
cd /opt/trireme
npm ci
npx tsc -b
npm prune --omit=dev

fetch() {
  (umask 077 && aws --region '@REGION@' ssm get-parameter --with-decryption --name "/trireme/$1" \
    --query Parameter.Value --output text >"$2")
}
fetch cluster /etc/trireme/secret
fetch operator /etc/trireme/operator-token

cat >'/etc/trireme/replica-@ID@.env' <<ENV
TRIREME_HOST=@ADDRESS@
TRIREME_PORT=8191
TRIREME_PEER_PORT=8201
TRIREME_PEERS=@PEERS@
TRIREME_REPLICAS=@REPLICAS@
TRIREME_CATALOGS=catalog-1,catalog-2
TRIREME_BOOTSTRAP=1
ENV
cat >/etc/trireme/frontend.env <<ENV
TRIREME_HOST=0.0.0.0
TRIREME_PORT=8080
TRIREME_REPLICAS=@REPLICAS@
ENV
cat >/etc/trireme/catalog.env <<ENV
TRIREME_HOST=@ADDRESS@
TRIREME_PORT=8180
TRIREME_REPLICAS=@REPLICAS@
ENV

cp infra/systemd/*.service /etc/systemd/system/
systemctl daemon-reload
id='@ID@'
systemctl enable --now 'trireme-replica@@ID@' 'trireme-frontend@@ID@'
if [[ $id != 3 ]]; then systemctl enable --now 'trireme-catalog@@ID@'; fi
# A founder creates its log once every replica of the group has answered that it is empty, so once all machines are up.
for _ in $(seq 900); do
  [[ -e /var/lib/trireme/replica-@ID@/log ]] && break
  sleep 2
done
# The group is founded: from now on a replica without data must be added to the group and must not found another one.
sed -i '/^TRIREME_BOOTSTRAP=/d' '/etc/trireme/replica-@ID@.env'
