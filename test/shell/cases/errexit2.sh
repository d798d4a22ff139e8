set -e
trap 'echo "ERR $? line $LINENO"' ERR
f() { false; }
false || true
f || true
if f; then :; fi
(exit 3) || true
echo before
f
echo no
