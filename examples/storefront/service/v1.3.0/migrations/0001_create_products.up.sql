CREATE TABLE products (name, price);
INSERT INTO products (name, price) VALUES ('Teapot', '24.00');
INSERT INTO products (name, price) VALUES ('Cup', '6.50');
