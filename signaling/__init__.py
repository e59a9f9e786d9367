"""The wire between browsers and servers."""
