echo ok
for i in 1 2; do echo $i
echo z
