; what is not dynamic stays as it is
$TTL 3600
@	SOA	ns1 dns-admin (
		1	; serial
		7200	; refresh
		30M	; retry
		3D	; expire
		900	; ncache
	)
@	NS	ns1
@	NS	ns2.@Z
	MX	10 mail
ns1	A	192.0.2.1
ns2	A	192.0.2.2
mail	A	192.0.2.3
www	300/30	DYNA	geoip!web
	TXT	"the owner stands on the line of the DYNA"
www-ams	600/600	DYNA	geoip!web/ams
second	60/60	DYNA	geoip!second
order	60/60	DYNA	metafo!order
many	60/60	DYNA	multifo!many
pair	60/60	DYNA	simplefo!pair
draw	60/60	DYNA	weighted!draw
even	60/60	DYNA	weighted!even
host	60/60	DYNA	static!host
elsewhere	60/60	DYNC	static!elsewhere
names	60/60	DYNC	geoip!names
cdn	60/60	DYNC	weighted!cdn
mirror	60/60	DYNA	reflect
*.wild	60/60	DYNA	multifo!many
*.still	A	192.0.2.4
alias	CNAME	www
chain	CNAME	alias.@Z
far	CNAME	www.example.net.
_http._tcp	1800	SRV	5 500 80 mail
long	TXT	aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhhiiiiiiiiiijjjjjjjjjjaaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhhiiiiiiiiiijjjjjjjjjjaaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhhiiiiiiiiiijjjjjjjjjj
@	CAA	0 issue "ca.example.net"
odd	TYPE65280	\# 4 0A000001
number	NAPTR	100 10 "u" "sip+E2U" "!^.*$!sip:info@example.com!" .
sub	NS	ns.sub
ns.sub	A	192.0.2.5
$INCLUDE includes/common inner
after	A	192.0.2.6
$ORIGIN deep
here	A	192.0.2.7
