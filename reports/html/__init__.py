"""What the HTML page is made of: its content, its pictures, a template, a style, a script."""
