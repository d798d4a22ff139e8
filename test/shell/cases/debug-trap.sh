trap 'echo "D:$LINENO:$BASH_COMMAND"' DEBUG
x=1
echo hi
if [ $x = 1 ]; then
  echo in
fi
for i in 1 2; do
  echo $i
done
f() {
  echo f
}
f
case $x in 1) echo c;; esac
((x++))
[[ $x == 2 ]]
(echo sub)

while ((x < 4)); do ((x++)); done
trap - DEBUG
echo end
