set -e; trap 'echo "cleanup $?"' EXIT; trap 'echo "line $LINENO: $BASH_COMMAND failed"' ERR
set -E
f() {
  false
}
echo start
x=$(echo ok)
if false; then :; fi
f
echo unreachable
