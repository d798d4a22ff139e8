echo before
echo same; if then
echo after
