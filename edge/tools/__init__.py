"""Commands for people at the pole; a running gateway never loads them."""
