cleanup() { echo "cleanup called $1"; }
trap 'cleanup sig; exit 1' INT TERM
trap 'cleanup exit' EXIT
(sleep 0.2; kill -TERM $$) &
while :; do sleep 0.1; done
