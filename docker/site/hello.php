<?php
// A page of about 100 bytes that costs PHP next to nothing: for measuring what lies around it.
header('Content-Type: text/html; charset=utf-8');
?>
<!doctype html>
<html lang="en"><title>Hello</title><p>Hello. This page is small so that the way is seen.</p></html>
