"""A certificate for localhost that signs itself, and its key, valid from 2020 to 2120.

They are for tests alone: whoever can read this file can be "localhost" to whoever trusts it.
"""

CERTIFICATE = b"""\
-----BEGIN CERTIFICATE-----
MIIBRjCB7qADAgECAgEBMAoGCCqGSM49BAMCMBQxEjAQBgNVBAMMCWxvY2FsaG9z
dDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowFDESMBAGA1UEAwwJ
bG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6cgO48wAFTMA73FS
1/l3wnXjlyOyfxbhtGIXCv6twnyxZoqZ6hotCp5BO2g2r26/gdczVqnF6SpbqXME
1w48T6MvMC0wDwYDVR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SH
BH8AAAEwCgYIKoZIzj0EAwIDRwAwRAIgGJosRtHQ6SgfCZwXrUrTATBOWJ8VH7/j
Wm3hoSaZSI4CIFW5xvvEnNz267u4x9kGMxI6Kl+wNF+l0hjtbunll6+D
-----END CERTIFICATE-----
"""

PRIVATE_KEY = b"""\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGLNAz1AhTVacVJXS
Zgm5uqOdmzFDKl3E1OQ6ci7aeTKhRANCAATpyA7jzAAVMwDvcVLX+XfCdeOXI7J/
FuG0YhcK/q3CfLFmipnqGi0KnkE7aDavbr+B1zNWqcXpKlupcwTXDjxP
-----END PRIVATE KEY-----
"""
