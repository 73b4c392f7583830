"""What a maintainer runs by hand, once in a while; its results are committed."""
