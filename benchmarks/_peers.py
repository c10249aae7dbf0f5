PEERS = ()


class Missing(Exception): ...
