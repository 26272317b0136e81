"""Reports over HTTP: which are asked for, in which form, and with which charts."""
