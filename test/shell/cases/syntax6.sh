f() { echo x; 
echo never
