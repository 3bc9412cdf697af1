"""What each application has in its folder, and where a preset differs from nginx beside it (test_routes_nginx.py)."""
