"""How our processes talk: length-prefixed, typed messages over Unix sockets."""
