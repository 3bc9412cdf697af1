"""Parts of the system tests: processes, php-fpm, the proxy, HTTP and FastCGI peers, load, socket counts."""
