"""What the lines of a configuration are to the model: facts, harmless for a reason, or a doubt.

Everything that stands in no table here is UNRECOGNIZED and leaves the device doubtful. Tables and
settings: FortiOS CLI Reference, 6.4 to 7.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

INSPECTION = "content inspection: it can only drop what a policy has accepted"
NARROWS = "it can only refuse what would pass otherwise"
LOGGING = "logging and reporting"
APPEARANCE = "naming and display"
AUTHENTICATION = "who may log in, not which packets pass"
ROUTE_FILTERS = "only routing protocols use it; where one runs, its routes are unknown anyway"
SHAPING = "how fast, not whether, packets pass"
TIMERS = "timers and sizes"
CRYPTO = "how a tunnel's packets are protected and kept alive"
HARDWARE = "hardware and acceleration"
HOSTS = "addresses of hosts, which the device hands out or asks for"
PORTS = "physical properties of a port"
RELAYS = "what hosts send to a DHCP port goes to a server elsewhere"
COPIES = "copies of packets leave by another port"


@dataclass(frozen=True, slots=True)
class Harmless:
    """Lines that cannot matter, because of ``reason``."""

    reason: str


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Lines that say something which is not modelled, where there is anything in them."""

    reason: str
    bounded: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """A block whose settings are told apart.

    ``only`` are settings that are harmless with the given values and not modelled with any other. With
    ``rest``, its reason, all other settings are harmless.
    """

    facts: frozenset[str] = frozenset()
    harmless: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, tuple[frozenset[str], str]] = field(default_factory=dict)
    inner: Mapping[str, Known | Harmless | Doubtful] = field(default_factory=dict)
    rest: str = ""


Fate = Known | Harmless | Doubtful


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _because(**reasons: str) -> dict[str, str]:
    """Settings by reason; a reason is named by its constant."""
    return {word: globals()[reason] for reason, words in reasons.items() for word in words.split()}


def _off(reason: str, words: str, *more: str) -> dict[str, tuple[frozenset[str], str]]:
    """Settings that are harmless where they are ``disable`` (or one of ``more``)."""
    return {word: (frozenset(("disable", *more)), reason) for word in words.split()}


_ACTION_TYPES = {
    "action-type": (
        _words(
            "email ios-notification fortiexplorer-notification alert quarantine quarantine-forticlient"
            " quarantine-nsx ban-ip aws-lambda azure-function google-cloud-function alicloud-function"
            " webhook slack-notification microsoft-teams-notification"
        ),
        "commands of its own may change the configuration",
    )
}
"""What a stitch may do without changing the configuration (a ``cli-script`` may)."""

# ---- interfaces ---------------------------------------------------------------------------------

_ADDRESS_LIST = Known(
    _words("ip allowaccess"),
    _because(TIMERS="detectserver detectprotocol gwdetect ha-priority ping-serv-status secip-relay-ip"),
)

_IPV6 = Known(
    _words("ip6-address ip6-allowaccess ip6-mode vrip6_link_local"),
    _because(
        TIMERS="ip6-send-adv ip6-manage-flag ip6-other-flag ip6-max-interval ip6-min-interval"
        " ip6-link-mtu"
        " ip6-reachable-time ip6-retrans-time ip6-default-life ip6-hop-limit ip6-dns-server-override"
        " dhcp6-information-request dhcp6-relay-type dhcp6-relay-ip"
        " dhcp6-client-options dhcp6-prefix-hint dhcp6-prefix-hint-plt dhcp6-prefix-hint-vlt"
        " cli-conn6-status ra-send-mtu unique-autoconf-addr interface-identifier ip6-adv-rio"
        " icmp6-send-redirect"
        " ip6-route-pref vrrp-virtual-mac6 ip6-rdnss-list ip6-dnssl-list dhcp6-relay-source-interface"
        " dhcp6-relay-source-ip dhcp6-relay-interface-id dhcp6-iapd-delegate",
    ),
    _off("an address that is not in the configuration", "autoconf dhcp6-prefix-delegation nd-mode", "basic")
    | _off(RELAYS, "dhcp6-relay-service")
    | {
        "ip6-delegated-prefix-list": (frozenset(), "an address that is not in the configuration"),
        "ip6-upstream-interface": (frozenset(), "an address that is not in the configuration"),
        "ip6-subnet": (frozenset(("::/0",)), "an address that is not in the configuration"),
    },
    {
        "ip6-extra-addr": Known(),
        "ip6-prefix-list": Harmless("what hosts are told by router advertisements"),
        "ip6-rdnss-list": Harmless("what hosts are told by router advertisements"),
        "ip6-dnssl-list": Harmless("what hosts are told by router advertisements"),
        "ip6-route-list": Harmless("what hosts are told by router advertisements"),
        "vrrp6": Known(
            _words("vrip6"),
            _because(
                TIMERS="vrgrp priority adv-interval start-time preempt accept-mode vrdst6 status"
                " vrdst-priority ignore-default-route"
            ),
        ),
    },
)

INTERFACE = Known(
    _words(
        "vdom ip type status interface vlanid member mode allowaccess remote-ip vrf secondary-IP"
        " src-check description alias role management-ip fortilink explicit-web-proxy"
        " explicit-ftp-proxy"
        " dedicated-to proxy-captive-portal"
    ),
    _because(
        APPEARANCE="snmp-index color devindex estimated-upstream-bandwidth"
        " estimated-downstream-bandwidth"
        " measured-upstream-bandwidth measured-downstream-bandwidth monitor-bandwidth icon-id"
        " swc-first-create switch-controller-mgmt-vlan switch-controller-feature"
        " auto-auth-extension-device"
        " fortilink-split-interface fortilink-stacking fortilink-neighbor-detect fortilink-backup-link"
        " annex profiles vindex dedicated-to-alias ike-saml-server",
        PORTS="speed mtu mtu-override macaddr mediatype duplex fec vlan-protocol"
        " forward-error-correction"
        " lacp-mode lacp-speed lacp-ha-slave lacp-ha-secondary min-links min-links-down algorithm"
        " priority-override"
        " link-up-delay aggregate aggregate-type redundant-interface sfp-dsl"
        " spillover-threshold ingress-spillover-threshold weight wan ha-priority virtual-mac"
        " substitute-dst-mac",
        HOSTS="dhcp-relay-ip dhcp-relay-type dhcp-relay-interface"
        " dhcp-relay-interface-select-method dhcp-relay-agent-option"
        " dhcp-relay-request-all-server dhcp-relay-source-ip dhcp-relay-link-selection"
        " dhcp-relay-circuit-id dhcp-relay-vrf-select dhcp-relay-allow-no-end-option"
        " dhcp-renew-time dhcp-client-identifier dhcp-classless-route-addition"
        " dhcp-snooping-server-list",
        TIMERS="dns-server-override dns-server-protocol defaultgw distance priority username password"
        " pppoe-unnumbered-negotiate idle-timeout detected-peer-mtu disc-retry-timeout"
        " padt-retry-timeout service-name ac-name lcp-echo-interval lcp-max-echo-fails"
        " auth-type fail-detect fail-detect-option fail-alert-method fail-alert-interfaces"
        " fail-action-on-extender bfd bfd-desired-min-tx bfd-detect-mult bfd-required-min-rx"
        " tcp-mss disconnect-threshold ping-serv-status preserve-session-route ipmac"
        " drop-overlapped-fragment drop-fragment icmp-send-redirect icmp-accept-redirect"
        " pptp-timeout pptp-auth-type gi-gk interconnect-profile egress-shaping-profile"
        " ingress-shaping-profile inbandwidth outbandwidth external sample-rate"
        " sample-direction polling-interval sflow-sampler netflow-sampler netflow-sample-rate"
        " netflow-sampler-id arpforward ndiscforward nontp-web-proxy trust-ip-1 trust-ip-2"
        " trust-ip-3 trust-ip6-1 trust-ip6-2 trust-ip6-3 stp stp-ha-slave stp-ha-secondary"
        " stp-edge switch-controller-igmp-snooping-proxy"
        " switch-controller-igmp-snooping-fast-leave switch-controller-learning-limit"
        " switch-controller-nac switch-controller-offload switch-controller-offload-ip"
        " swc-vlan internal eap-supplicant 802.1X-status dns-query ext-status eap-identity",
        NARROWS="ident-accept vlanforward-disable security-mode security-groups"
        " security-mac-auth-bypass"
        " security-external-web security-redirect-url security-exempt-list security-ip-auth-bypass"
        " security-external-logout captive-portal device-identification device-user-identification"
        " device-identification-active-scan device-access-list ips-sniffer-mode endpoint-compliance"
        " scan-botnet-connections security-8021x-mode security-8021x-master"
        " security-8021x-dynamic-vlan-id"
        " switch-controller-access-vlan switch-controller-arp-inspection"
        " switch-controller-dhcp-snooping"
        " switch-controller-dhcp-snooping-option82 switch-controller-dhcp-snooping-verify-mac"
        " switch-controller-igmp-snooping switch-controller-rspan-mode switch-controller-traffic-policy"
        " switch-controller-netflow-collect switch-controller-source-ip replacemsg-override-group"
        " dhcp-broadcast-flag block-intra-vlan dhcp-relay-server",
        LOGGING="log lldp-reception lldp-transmission lldp-network-policy",
    ),
    _off(
        "frames are bridged, whatever the policies say",
        "netbios-forward broadcast-forward vlanforward l2forward stpforward vlan-pbit",
    )
    | _off(RELAYS, "dhcp-relay-service")
    | _off(COPIES, "port-mirroring")
    | {
        "wccp": (frozenset(("disable",)), "packets are handed to a cache by WCCP"),
        "ip-managed-by-fortiipam": (
            frozenset(("disable", "inherit-global")),
            "the address comes from FortiIPAM",
        ),
        "managed-subnetwork-size": (frozenset(), "the address comes from FortiIPAM"),
        "weight-route": (frozenset(), "not known"),
    },
    {
        "secondaryip": _ADDRESS_LIST,
        "vrrp": Known(
            _words("vrip proxy-arp status"),
            _because(
                TIMERS="vrgrp priority adv-interval start-time preempt accept-mode vrdst"
                " vrdst-priority version ignore-default-route"
            ),
            inner={"proxy-arp": Doubtful("it answers ARP for other addresses")},
        ),
        "ipv6": _IPV6,
        "client-options": Harmless(TIMERS),
        "tagging": Harmless(APPEARANCE),
        "egress-queues": Harmless(SHAPING),
        "dhcp-snooping-server-list": Harmless(NARROWS),
        "mirroring-filter": Harmless(LOGGING),
        "phy-setting": Harmless(PORTS),
        "l2tp-client-settings": Doubtful("an L2TP client"),
        "wifi-networks": Doubtful("a Wi-Fi client"),
    },
)

# ---- objects ------------------------------------------------------------------------------------

ADDRESS = Known(
    _words(
        "type subnet start-ip end-ip wildcard fqdn wildcard-fqdn country interface sub-type sdn"
        " ip6 route-tag"
        " macaddr start-mac end-mac template host host-type fsso-group clearpass-spt epg-name filter"
        " sdn-addr-type organization policy-group tenant sdn-tag tag-type tag-detection-level"
        " obj-id obj-tag"
        " obj-type subnet-name node-ip-only list dynamic-mapping"
    ),
    _because(
        APPEARANCE="uuid comment color visibility tags fabric-object tagging passive-fqdn-learning",
        TIMERS="cache-ttl associated-interface allow-routing global-object dirty",
    ),
    {},
    {
        "tagging": Harmless(APPEARANCE),
        "list": Known(_words("ip"), _because(APPEARANCE="obj-id net-id")),
        "subnet-segment": Known(_words("type value")),
    },
)

ADDRGRP = Known(
    _words("member exclude exclude-member type"),
    _because(
        APPEARANCE="uuid comment color visibility tags fabric-object",
        TIMERS="allow-routing category global-object",
    ),
    {},
    {"tagging": Harmless(APPEARANCE)},
)

SERVICE = Known(
    _words(
        "protocol tcp-portrange udp-portrange sctp-portrange udplite-portrange icmptype icmpcode"
        " protocol-number iprange fqdn proxy explicit-proxy"
        " application app-category app-service-type member"
    ),
    _because(
        APPEARANCE="uuid comment color visibility category fabric-object",
        TIMERS="session-ttl tcp-halfclose-timer tcp-halfopen-timer tcp-timewait-timer tcp-rst-timer"
        " udp-idle-timer check-reset-range global-object",
    ),
    {"helper": (_words("auto disable"), "a session helper chosen by the service")},
)

SCHEDULE = Known(
    _words("day start end member"),
    _because(APPEARANCE="color fabric-object", TIMERS="expiration-days start-utc end-utc label-day"),
)

# ---- policies -----------------------------------------------------------------------------------

POLICY = Known(
    _words(
        "srcintf dstintf srcaddr dstaddr srcaddr6 dstaddr6 action schedule service status nat"
        " ippool poolname"
        " poolname6 fixedport srcaddr-negate dstaddr-negate srcaddr6-negate dstaddr6-negate"
        " service-negate"
        " match-vip match-vip-only internet-service internet-service-name internet-service-id"
        " internet-service-group internet-service-custom internet-service-custom-group"
        " internet-service-negate"
        " internet-service-src internet-service-src-name internet-service-src-id"
        " internet-service-src-group"
        " internet-service-src-custom internet-service-src-custom-group internet-service-src-negate"
        " internet-service6 internet-service6-name internet-service6-group internet-service6-custom"
        " internet-service6-custom-group internet-service6-negate internet-service6-src"
        " internet-service6-src-name internet-service6-src-group internet-service6-src-custom"
        " internet-service6-src-custom-group internet-service6-src-negate internet-service-fortiguard"
        " internet-service-src-fortiguard network-service-dynamic network-service-src-dynamic"
        " users groups fsso-groups devices custom-tags rsso ntlm fsso identity-based application"
        " app-category app-group"
        " url-category reputation-minimum reputation-direction reputation-minimum6"
        " reputation-direction6 tos tos-mask tos-negate geoip-match"
        " ztna-status ztna-ems-tag ztna-ems-tag-secondary ztna-geo-tag ztna-device-ownership"
        " ztna-policy-redirect"
        " vlan-filter src-vendor-mac sgt sgt-check rtp-addr"
        " name voip-profile inspection-mode ssl-vpn-tunnel policy-behaviour-type policy-offload"
    ),
    _because(
        APPEARANCE="uuid comments global-label label tags natip outbound-nat-label policyid"
        " custom-log-fields status-color",
        LOGGING="logtraffic logtraffic-start logtraffic-app capture-packet log-http-transaction"
        " extended-log",
        TIMERS="session-ttl tcp-mss-sender tcp-mss-receiver diffserv-forward diffserv-reverse"
        " diffserv-copy"
        " diffservcode-forward diffservcode-rev vlan-cos-fwd vlan-cos-rev tcp-timeout-pid"
        " udp-timeout-pid"
        " firewall-session-dirty timeout-send-rst schedule-timeout anti-replay tcp-session-without-syn"
        " delay-tcp-npu-session auto-asic-offload np-acceleration nat-inbound delay auth-path"
        " radius-mac-auth-bypass radius-ip-auth-bypass passive-wan-health-measurement"
        " app-monitor session-timeout dynamic-shaping eif-check eif-learn cgn-session-quota"
        " cgn-resource-quota cgn-eif cgn-eim cgn-log-server-grp cgn-sw-eif-ctrl port-preserve"
        " port-random",
        SHAPING="traffic-shaper traffic-shaper-reverse per-ip-shaper outbound-shaper",
        INSPECTION="utm-status profile-type profile-group av-profile webfilter-profile"
        " dnsfilter-profile"
        " spamfilter-profile emailfilter-profile dlp-sensor dlp-profile file-filter-profile ips-sensor"
        " application-list ips-voip-filter icap-profile waf-profile cifs-profile"
        " videofilter-profile ssh-filter-profile sctp-filter-profile diameter-filter-profile"
        " virtual-patch-profile casb-profile profile-protocol-options ssl-ssh-profile"
        " scan-botnet-connections"
        " deep-inspection-options dsri block-notification replacemsg-override-group endpoint-compliance"
        " http-policy-redirect-log ssl-mirror ssl-mirror-intf decrypted-traffic-mirror content-disarm"
        " isolator-profile telemetry-profile fec",
        NARROWS="send-deny-packet disclaimer email-collect captive-portal-exempt auth-cert"
        " auth-redirect-addr redirect-url web-auth-cookie require-tfa auth-method wsso"
        " fsso-agent-for-ntlm"
        " ntlm-guest ntlm-enabled-browsers identity-from match-any ssl-vpn-auth devices-negate"
        " fail-on-missing-attributes endpoint-check capture",
    ),
    _off("a full-cone NAT accepts further packets", "permit-any-host permit-stun-host")
    | _off(
        "packets are handed to a proxy or a cache",
        "wccp webcache webcache-https wanopt webproxy-forward"
        " http-policy-redirect ssh-policy-redirect ftp-policy-redirect dynamic-profile",
    )
    | _off("addresses of one family are translated to the other", "nat46 nat64")
    | _off("mappings that hosts ask for", "pcp-inbound pcp-outbound")
    | _off("the NAT of a policy-based tunnel", "inbound outbound natinbound natoutbound")
    | {
        "vpntunnel": (frozenset(), "a policy-based IPsec tunnel"),
        "webproxy-forward-server": (frozenset(), "packets are handed to another proxy"),
        "webproxy-profile": (frozenset(), "packets are handed to a proxy"),
        "pcp-poolname": (frozenset(), "mappings that hosts ask for"),
        "rtp-nat": (frozenset(("disable",)), "the NAT of RTP media"),
        "wanopt-detection": (frozenset(("off",)), "packets are handed to a WAN optimiser"),
        "wanopt-profile": (frozenset(), "packets are handed to a WAN optimiser"),
        "wanopt-peer": (frozenset(), "packets are handed to a WAN optimiser"),
    },
    {"identity-based-policy": Doubtful("who is logged in decides", bounded=True)},
)

LOCAL_IN = Known(
    _words(
        "intf srcaddr dstaddr action service schedule status srcaddr-negate dstaddr-negate"
        " service-negate"
        " ha-mgmt-intf-only internet-service-src internet-service-src-name internet-service-src-group"
        " internet-service-src-custom internet-service-src-custom-group internet-service-src-negate"
        " internet-service-src-fortiguard"
    ),
    _because(APPEARANCE="uuid comments", INSPECTION="virtual-patch", LOGGING="logtraffic"),
)

VIP = Known(
    _words(
        "type extip extintf mappedip mapped-addr extaddr portforward protocol extport mappedport"
        " src-filter service status"
        " nat-source-vip arp-reply srcintf-filter server-type ldb-method src-vip-filter"
        " ipv4-mappedip ipv4-mappedport"
        " ipv6-mappedip ipv6-mappedport one-click-gslb-server"
    ),
    _because(
        APPEARANCE="uuid id comment color fabric-object",
        TIMERS="gratuitous-arp-interval portmapping-type persistence monitor max-embryonic-connections"
        " http-ip-header http-ip-header-name http-multiplex http-multiplex-ttl outlook-web-access"
        " weblogic-server websphere-server ssl-mode ssl-certificate ssl-dh-bits ssl-algorithm"
        " ssl-server-algorithm ssl-pfs ssl-min-version ssl-max-version ssl-client-fallback"
        " ssl-client-renegotiation ssl-client-session-state-type ssl-client-session-state-max"
        " ssl-client-session-state-timeout ssl-server-session-state-type ssl-hsts ssl-hpkp"
        " ssl-http-match-host"
        " ssl-http-location-conversion ssl-send-empty-frags dns-mapping-ttl http-cookie-domain"
        " http-cookie-domain-from-host http-cookie-generation http-cookie-age http-cookie-path"
        " http-cookie-share http-redirect https-cookie-secure ssl-server-min-version"
        " ssl-server-max-version"
        " ssl-hsts-age ssl-hsts-include-subdomains h2-support h3-support"
        " http-supported-max-version ssl-accept-ffdhe-groups ndp-reply add-nat46-route add-nat64-route",
    ),
    {
        "nat44": (frozenset(("enable",)), "addresses of one family are translated to the other"),
        "nat46": (frozenset(("disable",)), "addresses of one family are translated to the other"),
        "nat66": (frozenset(("enable",)), "addresses of one family are translated to the other"),
        "nat64": (frozenset(("disable",)), "addresses of one family are translated to the other"),
    },
    {
        "realservers": Known(
            _words("ip port status address type"),
            _because(
                TIMERS="weight holddown-interval healthcheck http-host max-connections monitor"
                " client-ip translate-host verify-cert id"
            ),
        ),
        "ssl-cipher-suites": Harmless(CRYPTO),
        "ssl-server-cipher-suites": Harmless(CRYPTO),
        "quic": Harmless(TIMERS),
    },
)

IPPOOL = Known(
    _words("startip endip type source-startip source-endip arp-intf arp-reply permit-any-host"),
    _because(
        APPEARANCE="comments name",
        TIMERS="block-size num-blocks-per-user pba-timeout port-per-user startport endport"
        " associated-interface"
        " pba-interim-log privileged-port-use-pba subnet-broadcast-in-ippool cgn-port-start"
        " cgn-port-end cgn-block-size",
    ),
    _off(
        "addresses of one family are translated to the other",
        "nat64 nat46 add-nat64-route add-nat46-route",
        "enable",
    ),
)

CENTRAL_SNAT = Known(
    _words(
        "srcintf dstintf orig-addr dst-addr orig-addr6 dst-addr6 orig-port dst-port nat-port"
        " protocol nat"
        " nat-ippool nat-ippool6 type status port-preserve"
    ),
    _because(APPEARANCE="uuid comments policyid"),
    _off("addresses of one family are translated to the other", "nat46 nat64"),
)

ZONE = Known(
    _words("interface intrazone"), _because(APPEARANCE="description"), {}, {"tagging": Harmless(APPEARANCE)}
)

# ---- routing ------------------------------------------------------------------------------------

STATIC = Known(
    _words(
        "dst gateway device distance priority blackhole status dstaddr dynamic-gateway sdwan sdwan-zone"
        " virtual-wan-link internet-service internet-service-custom vrf link-monitor-exempt bfd"
    ),
    _because(APPEARANCE="comment", TIMERS="weight tag preferred-source src"),
)

ROUTER_POLICY = Known(
    _words(
        "input-device input-device-negate src srcaddr src-negate dst dstaddr dst-negate action protocol"
        " start-port end-port start-source-port end-source-port gateway output-device tos"
        " tos-mask status"
        " internet-service-id internet-service-custom users groups"
    ),
    _because(APPEARANCE="comments"),
)

_MAYBE_RUNNING = Harmless("the routes of a protocol that runs are unknown anyway")

SDWAN = Known(
    _words("status load-balance-mode"),
    _because(
        TIMERS="duplication-max-num duplication-max-discrepancy neighbor-hold-down"
        " neighbor-hold-down-time"
        " neighbor-hold-boot-time fail-detect fail-alert-interfaces speedtest-bypass-routing"
        " app-perf-log-period"
    ),
    {},
    {
        "zone": Known(
            _words("service-sla-tie-break"),
            _because(TIMERS="advpn-select advpn-health-check minimum-sla-meet-members"),
        ),
        "members": Known(
            _words("interface zone gateway gateway6 status"),
            _because(
                TIMERS="cost weight priority priority6 spillover-threshold"
                " ingress-spillover-threshold volume-ratio comment source source6"
                " preferred-source transport-group"
            ),
        ),
        "health-check": Harmless("which member is used; that is unknown anyway"),
        "service": Harmless("which member is used; that is unknown anyway"),
        "neighbor": Harmless("which member is used; that is unknown anyway"),
        "duplication": Harmless("copies of packets go to members, too"),
    },
)

# ---- tunnels ------------------------------------------------------------------------------------

PHASE1 = Known(
    _words(
        "interface type remote-gw remote-gw6 local-gw local-gw6 ip-version mode-cfg add-route"
        " auto-discovery-receiver"
        " auto-discovery-sender auto-discovery-shortcuts net-device exchange-interface-ip"
        " assign-ip encapsulation"
        " encap-local-gw4 encap-remote-gw4 encap-local-gw6 encap-remote-gw6 default-gw"
        " auto-discovery-forwarder tunnel-search mode-cfg-ip-version unity-support remotegw-ddns"
    ),
    _because(
        CRYPTO="proposal dhgrp peertype psksecret keylife dpd dpd-retrycount dpd-retryinterval"
        " nattraversal"
        " ike-version certificate comments mode localid localid-type authmethod peer peerid"
        " peergrp keepalive"
        " auto-negotiate negotiate-timeout fragmentation fragmentation-mtu npu-offload send-cert-chain"
        " esn suite-b eap eap-identity authusrgrp authusr authpasswd xauthtype usrgrp"
        " client-auto-negotiate client-keep-alive"
        " ike-mode-config psksecret-remote rekey reauth priority distance monitor monitor-min"
        " wizard-type rsa-signature-format"
        " rsa-signature-hash-override digital-signature-auth signature-hash-alg enforce-unique-id"
        " cert-id-validation ppk idle-timeout idle-timeoutinterval inbound-dscp-copy include-local-lan"
        " save-password childless-ike acct-verify authmethod-remote banner domain"
        " group-authentication group-authentication-secret ha-sync-esp-seqno ip-fragmentation link-cost"
        " network-id network-overlay passive-mode vni default-gw-priority mesh-selector-type"
        " dns-mode ipv4-dns-server1 ipv4-dns-server2 ipv4-dns-server3 ipv4-start-ip ipv4-end-ip"
        " ipv4-netmask"
        " ipv4-split-include ipv4-split-exclude ipv4-name split-include-service ipv4-wins-server1"
        " ipv4-wins-server2"
        " ipv6-start-ip ipv6-end-ip ipv6-prefix ipv6-split-include ipv6-dns-server1 uuid assign-ip-from"
        " add-gw-route monitor-hold-down-type monitor-hold-down-delay aggregate-member"
        " aggregate-weight transport"
        " azure-ad-autoconnect dev-id dev-id-notification remote-gw-match remote-gw-subnet"
        " fallback-tcp-threshold fgsp-sync"
        " auto-discovery-psk auto-discovery-offer-interval exchange-fgt-device-id"
        " shared-idle-timeout addke1 addke2",
    ),
)

PHASE2 = Known(
    frozenset(),
    _because(
        CRYPTO="phase1name proposal pfs dhgrp src-subnet dst-subnet src-addr-type dst-addr-type"
        " src-name"
        " dst-name src-start-ip src-end-ip dst-start-ip dst-end-ip src-subnet6 dst-subnet6"
        " src-name6 dst-name6"
        " keylifeseconds keylifekbs keylife-type keepalive auto-negotiate replay comments"
        " protocol src-port"
        " dst-port ipv4-df diffserv diffservcode encapsulation single-source use-natip l2tp dhcp-ipsec"
        " add-route route-overlap initiator-ts-narrow inbound-dscp-copy auto-discovery-sender"
        " auto-discovery-forwarder addke1 addke2",
    ),
)
"""Selectors only narrow what a tunnel carries, and with most peers a route-based tunnel has any."""

TUNNEL = Known(
    _words(
        "interface local-gw remote-gw ip-version local-gw6 remote-gw6 source destination vni remote-ip type"
    ),
    _because(
        CRYPTO="keepalive-interval keepalive-failtimes dscp-copying checksum-transmission"
        " checksum-reception sequence-number-transmission sequence-number-reception key-inbound"
        " key-outbound"
        " diffservcode use-sdwan auto-asic-offload dstport multicast-ttl evpn-id learn-from-traffic"
    ),
)

# ---- system -------------------------------------------------------------------------------------

SETTINGS = Known(
    _words("central-nat strict-src-check default-voip-alg-mode auxiliary-session"),
    _because(
        APPEARANCE="comments gui-default-policy-columns gateway device ip6 gateway6 allow-linkdown-path",
        TIMERS="inspection-mode h323-direct-model http-external-dest firewall-session-dirty bfd"
        " bfd-desired-min-tx bfd-required-min-rx bfd-detect-mult bfd-dont-enforce-src-port"
        " utf8-spam-tagging"
        " wccp-cache-engine vpn-stats-log vpn-stats-period v4-ecmp-mode mac-ttl fw-session-hairpin"
        " prp-trailer-action snat-hairpin-traffic dhcp-proxy dhcp-server-ip dhcp6-server-ip"
        " lldp-reception lldp-transmission link-down-access"
        " sip-expectation sip-nat-trace status sip-tcp-port sip-udp-port sip-ssl-port sccp-port"
        " multicast-forward multicast-ttl-notchange multicast-skip-policy-default"
        " default-app-port-as-service discovered-device-timeout ecmp-max-paths"
        " email-portal-check-dns location-id ses-denied-traffic tcp-session-without-syn"
        " sip-helper ike-quick-crash-detect ike-dn-format ike-port ike-policy-route ike-tcp-port"
        " ike-session-resume"
        " ike-natt-port block-land-attack application-bandwidth-tracking allow-subnet-overlap"
        " consolidated-firewall-mode-default fqdn-session-check dyn-addr-session-check vdom-default"
        " deny-tcp-with-icmp manageip manageip6 policy-offload-level detect-unknown-esp"
        " internet-service-database-cache"
        " implicit-allow-dns-default sctp-session-without-init"
        " hyperscale-default-policy-action ext-resource-session-check"
        " nat46-force-ipv4-packet-forwarding"
        " nat64-force-ipv6-packet-forwarding nat46-generate-ipv6-fragment-header",
    ),
    _off(
        "packets without a session are routed without a policy",
        "asymroute asymroute6 asymroute-icmp asymroute6-icmp",
    )
    | _off("multicast passes without a policy", "multicast-skip-policy")
    | _off("packets without a session may pass", "implicit-allow-dns")
    | _off("policies of another kind decide", "consolidated-firewall-mode")
    | {
        "vdom-type": (frozenset(("traffic", "admin")), "a virtual domain that extends another's networks"),
        "opmode": (frozenset(("nat",)), "the virtual domain bridges: its policies filter frames"),
        "ngfw-mode": (frozenset(("profile-based",)), "security policies decide by application"),
    },
)

GLOBAL = Known(
    _words(
        "hostname admin-port admin-sport admin-ssh-port admin-telnet-port allow-traffic-redirect"
        " ipv6-allow-traffic-redirect vdom-mode vdom-admin management-vdom admin-telnet admin-ssh-v1"
        " allow-traffic-redirect6 admin-https-redirect"
    ),
)
"""Of a long list, with new ones in each release, what matters here; see ``GLOBAL_HARMLESS``."""

GLOBAL_HARMLESS = (
    "admin",
    "alias",
    "anti-replay",
    "arp-max-entry",
    "auth-",
    "av-",
    "batch-cmdb",
    "bfd-",
    "block-session-timer",
    "br-fdb-max-entry",
    "cert-",
    "cfg-",
    "check-protocol-header",
    "check-reset-range",
    "cli-audit-log",
    "clt-cert-req",
    "cloud-communication",
    "compliance-check",
    "cpu-use-threshold",
    "csr-ca-attribute",
    "daily-restart",
    "default-service-source-port",
    "device-id",
    "dh-params",
    "disk-log",
    "dnsproxy-worker-count",
    "dst",
    "endpoint-control",
    "extender-controller",
    "fds-",
    "fgd-alert",
    "forticonverter",
    "fortiextender",
    "fortigslb",
    "fortiipam",
    "fortitoken-cloud",
    "gtpe-",
    "gui-",
    "ha-affinity",
    "honor-df",
    "hostid",
    "http-",
    "hw-switch",
    "hyper-scale",
    "igmp-state-limit",
    "ike-embryonic-limit",
    "image-",
    "interface-subnet-usage",
    "internet-service-",
    "ip-fragment",
    "ipmc-",
    "ips-affinity",
    "ipsec-",
    "ipv6-accept-dad",
    "kernel-",
    "language",
    "ldapconntimeout",
    "lldp-",
    "log-",
    "long-vdom-name",
    "login-timestamp",
    "management-ip",
    "management-port",
    "max-",
    "mc-ttl",
    "memory-use-threshold",
    "miglog",
    "multi-factor",
    "multicast-forward",
    "ndp-max",
    "npu-",
    "num-",
    "ntp",
    "optimize",
    "per-user",
    "phase1-rekey",
    "pmtu",
    "policy-auth",
    "post-login-banner",
    "pre-login-banner",
    "private-data-encryption",
    "proxy-",
    "quic-",
    "radius-port",
    "reboot-upon",
    "refresh",
    "remoteauthtimeout",
    "reset-sessionless-tcp",
    "revision-",
    "rest-api",
    "restart-time",
    "saml-",
    "scanunit",
    "scim",
    "security-rating",
    "send-pmtu",
    "service-expire",
    "slbc",
    "snat-route-change",
    "special-file-23",
    "speedtest-",
    "split-port",
    "ssd-trim",
    "ssh-",
    "ssl-",
    "sslvpn-",
    "strict-dirty",
    "strong-crypto",
    "switch-controller",
    "switch-port",
    "switch-task",
    "sys-perf",
    "syslog-",
    "tcp-",
    "tftp",
    "timezone",
    "tls",
    "tp-mc",
    "traffic-priority",
    "two-factor",
    "udp-idle-timer",
    "upgrade-report",
    "url-filter",
    "user-",
    "usb",
    "vendor",
    "vip-arp-range",
    "virtual-server",
    "virtual-switch-vlan",
    "wad-",
    "wifi-",
    "wimax",
    "wireless-",
    "wan-",
    "xstools",
    "virtual-",
    "purdue",
    "dhcp-lease",
    "delay-tcp",
    "early-tcp",
    "bgp",
    "auto-auth",
    "faz-",
    "application-bandwidth",
    "autorun",
    "netflow",
    "sflow",
    "show-",
    "delay",
    "ip-src-port-range",
    "ipv6-allow-anycast",
    "ipv6-allow-local-in",
    "ipv6-allow-multicast",
)
"""Settings of ``system global`` that are neither forwarding nor filtering, by how they begin."""

SSL_VPN = Known(
    _words("status source-interface source-address tunnel-ip-pools tunnel-ipv6-pools port default-portal"),
    {},
    {},
    {"authentication-rule": Harmless(AUTHENTICATION)},
    "who logs in and with what",
)
"""All else is about who logs in and with what; what comes out of a tunnel meets the policies."""

BLOCKS: dict[str, Fate] = {
    "system interface": INTERFACE,
    "system zone": ZONE,
    "system settings": SETTINGS,
    "system global": GLOBAL,
    "system sdwan": SDWAN,
    "system virtual-wan-link": SDWAN,
    "system switch-interface": Known(
        _words("member vdom type"),
        _because(
            LOGGING="span-dest-port span-source-port span-direction",
            TIMERS="intra-switch-policy mac-ttl",
        ),
        _off(COPIES, "span"),
    ),
    "system virtual-switch": Known(
        _words("physical-switch vlan"),
        _because(LOGGING="span-source-port span-dest-port span-direction"),
        _off(COPIES, "span"),
        {"port": Known(_words("alias"), _because(PORTS="speed status mediatype flow-control poe"))},
    ),
    "system physical-switch": Harmless(HARDWARE),
    "system vdom-link": Known(_words("type vcluster")),
    "system session-helper": Known(_words("name protocol port")),
    "system ipv6-tunnel": TUNNEL,
    "system sit-tunnel": TUNNEL,
    "system gre-tunnel": TUNNEL,
    "system ipip-tunnel": TUNNEL,
    "system vxlan": TUNNEL,
    "system geneve": TUNNEL,
    "system link-monitor": Harmless("static routes may be withdrawn; the table is unknown"),
    "system admin": Known(
        _words(
            "password ssh-public-key1 ssh-public-key2 ssh-public-key3 vdom trusthost1 trusthost2"
            " trusthost3"
            " trusthost4 trusthost5 trusthost6 trusthost7 trusthost8 trusthost9 trusthost10"
        ),
        _because(
            AUTHENTICATION="accprofile accprofile-override remote-auth remote-group wildcard comments"
            " two-factor email-to sms-server sms-phone peer-auth peer-group allow-remove-admin-session"
            " radius-vdom-override force-password-change schedule fortitoken guest-auth"
            " guest-usergroups"
            " guest-lang hidden history0 history1 sms-custom-server two-factor-authentication"
            " two-factor-notification ssh-certificate vdom-override password-expire old-password"
            " last-login"
            " ip6-trusthost1 ip6-trusthost2 ip6-trusthost3",
            APPEARANCE="gui-dashboard login-time gui-default-dashboard-template"
            " gui-ignore-release-overview-version gui-vdom-menu-favorites gui-global-menu-favorites"
            " gui-new-feature-acknowledge gui-ignore-invalid-signature-version",
        ),
        {},
        {
            "gui-dashboard": Harmless(APPEARANCE),
            "dashboard": Harmless(APPEARANCE),
            "login-time": Harmless(LOGGING),
            "gui-vdom-menu-favorites": Harmless(APPEARANCE),
            "gui-global-menu-favorites": Harmless(APPEARANCE),
            "dashboard-tabs": Harmless(APPEARANCE),
        },
    ),
    "system dns": Known(
        _words("primary secondary domain ip6-primary ip6-secondary"),
        _because(
            TIMERS="dns-cache-limit dns-cache-ttl cache-notfound-responses source-ip protocol"
            " ssl-certificate server-hostname"
            " interface-select-method interface timeout retry alt-primary alt-secondary"
            " dns-over-tls server-select-method log fqdn-cache-ttl fqdn-max-refresh"
            " fqdn-min-refresh root-servers"
        ),
    ),
    "system ntp": Known(
        _words("server-mode"),
        _because(
            TIMERS="ntpsync type syncinterval interface authentication key key-id source-ip"
            " source-ip6 key-type"
        ),
        {},
        {
            "ntpserver": Known(
                _words("server"),
                _because(
                    TIMERS="ntpv3 authentication key key-id interface-select-method interface"
                    " ip-type key-type"
                ),
            )
        },
    ),
    "system snmp community": Known(
        _words("name status query-v1-status query-v2c-status"),
        _because(
            TIMERS="events query-v1-port query-v2c-port trap-v1-status trap-v2c-status trap-v1-lport"
            " trap-v1-rport trap-v2c-lport trap-v2c-rport mib-view vdoms"
        ),
        {},
        {
            "hosts": Known(
                _words("ip"),
                _because(TIMERS="interface ha-direct host-type source-ip interface-select-method"),
            ),
            "hosts6": Known(
                _words("ipv6"),
                _because(TIMERS="interface ha-direct host-type source-ipv6 interface-select-method"),
            ),
        },
    ),
    "system snmp user": Known(
        _words("notify-hosts"),
        _because(
            AUTHENTICATION="security-level auth-proto auth-pwd priv-proto priv-pwd queries"
            " query-port events status"
            " trap-status trap-lport trap-rport source-ip source-ipv6 ha-direct notify-hosts6"
            " mib-view vdoms interface interface-select-method"
        ),
    ),
    "system proxy-arp": Known(_words("interface ip end-ip")),
    "router static": STATIC,
    "router static6": STATIC,
    "router policy": ROUTER_POLICY,
    "router policy6": ROUTER_POLICY,
    "firewall address": ADDRESS,
    "firewall address6": ADDRESS,
    "firewall addrgrp": ADDRGRP,
    "firewall addrgrp6": ADDRGRP,
    "firewall service custom": SERVICE,
    "firewall service group": Known(
        _words("member"), _because(APPEARANCE="uuid comment color proxy fabric-object")
    ),
    "firewall schedule recurring": SCHEDULE,
    "firewall schedule onetime": SCHEDULE,
    "firewall schedule group": SCHEDULE,
    "firewall policy": POLICY,
    "firewall policy6": POLICY,
    "firewall local-in-policy": LOCAL_IN,
    "firewall local-in-policy6": LOCAL_IN,
    "firewall vip": VIP,
    "firewall vip6": VIP,
    "firewall vipgrp": Known(_words("member interface"), _because(APPEARANCE="uuid comments color")),
    "firewall vipgrp6": Known(_words("member"), _because(APPEARANCE="uuid comments color")),
    "firewall ippool": IPPOOL,
    "firewall ippool6": IPPOOL,
    "firewall central-snat-map": CENTRAL_SNAT,
    "vpn ipsec phase1-interface": PHASE1,
    "vpn ipsec phase2-interface": PHASE2,
    "vpn ssl settings": SSL_VPN,
    "user radius": Known(
        _words("server secondary-server tertiary-server"),
        rest=AUTHENTICATION,
        inner={"accounting-server": Harmless(AUTHENTICATION), "class": Harmless(AUTHENTICATION)},
    ),
    "user tacacs+": Known(
        _words("server secondary-server tertiary-server"),
        rest=AUTHENTICATION,
        inner={"accounting-server": Harmless(AUTHENTICATION), "class": Harmless(AUTHENTICATION)},
    ),
    "user ldap": Known(
        _words("server secondary-server tertiary-server"),
        rest=AUTHENTICATION,
        inner={"accounting-server": Harmless(AUTHENTICATION), "class": Harmless(AUTHENTICATION)},
    ),
    "log syslogd setting": Known(
        _words("server"), rest=LOGGING, inner={"custom-field-name": Harmless(LOGGING)}
    ),
    "log syslogd2 setting": Known(
        _words("server"), rest=LOGGING, inner={"custom-field-name": Harmless(LOGGING)}
    ),
    "log syslogd3 setting": Known(
        _words("server"), rest=LOGGING, inner={"custom-field-name": Harmless(LOGGING)}
    ),
    "log syslogd4 setting": Known(
        _words("server"), rest=LOGGING, inner={"custom-field-name": Harmless(LOGGING)}
    ),
    "log fortianalyzer setting": Known(
        _words("server"), rest=LOGGING, inner={"custom-field-name": Harmless(LOGGING)}
    ),
    "log fortianalyzer2 setting": Known(
        _words("server"), rest=LOGGING, inner={"custom-field-name": Harmless(LOGGING)}
    ),
    "log fortianalyzer3 setting": Known(
        _words("server"), rest=LOGGING, inner={"custom-field-name": Harmless(LOGGING)}
    ),
    "system netflow": Known(
        _words("collector-ip"),
        rest=LOGGING,
        inner={
            "collectors": Known(_words("collector-ip"), rest=LOGGING),
            "exclusion-filters": Harmless(LOGGING),
        },
    ),
    "system sflow": Known(
        _words("collector-ip"),
        rest=LOGGING,
        inner={
            "collectors": Known(_words("collector-ip"), rest=LOGGING),
            "exclusion-filters": Harmless(LOGGING),
        },
    ),
    # What is not modelled and could let packets through.
    "firewall policy46": Doubtful("addresses of one family are translated to the other"),
    "firewall policy64": Doubtful("addresses of one family are translated to the other"),
    "firewall vip46": Doubtful("addresses of one family are translated to the other"),
    "firewall vip64": Doubtful("addresses of one family are translated to the other"),
    "firewall vipgrp46": Doubtful("addresses of one family are translated to the other"),
    "firewall vipgrp64": Doubtful("addresses of one family are translated to the other"),
    "firewall consolidated policy": Doubtful("policies of both families at once, FortiOS 6.0 and 6.2"),
    "firewall multicast-policy": Doubtful("policies for multicast"),
    "firewall multicast-policy6": Doubtful("policies for multicast"),
    "firewall proxy-policy": Doubtful("a proxy makes connections of its own"),
    "firewall explicit-proxy-policy": Doubtful("a proxy makes connections of its own"),
    "firewall access-proxy": Doubtful("a proxy makes connections of its own"),
    "firewall access-proxy6": Doubtful("a proxy makes connections of its own"),
    "firewall access-proxy-virtual-host": Doubtful("a proxy makes connections of its own"),
    "ztna": Doubtful("a proxy makes connections of its own"),
    "firewall identity-based-route": Doubtful("routes by who is logged in"),
    "firewall security-policy": Doubtful("security policies decide by application"),
    "firewall internet-service-extension": Doubtful("matches by internet service", bounded=True),
    "firewall internet-service-addition": Doubtful("matches by internet service", bounded=True),
    "firewall network-service-dynamic": Doubtful("matches by internet service", bounded=True),
    "firewall ippool_grp": Doubtful("groups of address pools"),
    "firewall ssl-server": Doubtful("connections are ended and made anew"),
    "system virtual-wire-pair": Doubtful("two ports that are bridged by policies of their own"),
    "system standalone-cluster": Doubtful("sessions come from other units", bounded=True),
    "system cluster-sync": Doubtful("sessions come from other units"),
    "system session-sync": Doubtful("sessions come from other units"),
    "system nd-proxy": Doubtful("it answers neighbour solicitations for others"),
    "system modem": Doubtful("a modem is an interface of its own"),
    "system lte-modem": Doubtful("a modem is an interface of its own"),
    "system 5g-modem": Doubtful("a modem is an interface of its own"),
    "system pppoe-interface": Doubtful("an interface that dials"),
    "system ipv6-neighbor-cache": Doubtful("static neighbours"),
    "system arp-table": Doubtful("static neighbours"),
    "system auto-script": Doubtful("a script may change the configuration"),
    "system automation-action": Known(only=_ACTION_TYPES, rest="acts on events"),
    "system mac-address-table": Doubtful("static MAC addresses", bounded=True),
    "system ipsec-aggregate": Doubtful("a bundle of tunnels"),
    "system wccp": Doubtful("packets are handed to a cache by WCCP"),
    "system ips": Harmless(INSPECTION),
    "system evpn": Doubtful("VLANs are extended by VXLAN"),
    "system sdn-vpn": Doubtful("tunnels to a cloud"),
    "system pcp-server": Doubtful("mappings that hosts ask for"),
    "vpn ocvpn": Doubtful("tunnels that a cloud service configures"),
    "vpn ipsec phase1": Doubtful("a policy-based IPsec tunnel"),
    "vpn ipsec phase2": Doubtful("a policy-based IPsec tunnel"),
    "vpn ipsec manualkey": Doubtful("a policy-based IPsec tunnel"),
    "vpn ipsec manualkey-interface": Doubtful("a tunnel with keys that are configured"),
    "vpn ipsec concentrator": Doubtful("packets pass between tunnels without a policy"),
    "vpn ipsec forticlient": Doubtful("tunnels of clients", bounded=True),
    "vpn ipsec fec": Harmless(CRYPTO),
    "vpn l2tp": Doubtful("tunnels of clients"),
    "vpn pptp": Doubtful("tunnels of clients"),
    "vpn qkd": Harmless(CRYPTO),
    "vpn kmip-server": Harmless(CRYPTO),
    "vpn certificate": Harmless(CRYPTO),
    "vpn ssl web": Harmless(AUTHENTICATION),
    "vpn ssl client": Doubtful("a tunnel to another SSL VPN"),
    "web-proxy explicit": Doubtful("a proxy makes connections of its own"),
    "ftp-proxy explicit": Doubtful("a proxy makes connections of its own"),
    "wanopt auth-group": Doubtful("packets are handed to a WAN optimiser"),
    "wanopt peer": Doubtful("packets are handed to a WAN optimiser"),
    "router setting": Harmless("how routes are printed and filtered"),
    # What only refuses, beside the policies.
    "firewall interface-policy": Doubtful(NARROWS, bounded=True),
    "firewall interface-policy6": Doubtful(NARROWS, bounded=True),
    "firewall DoS-policy": Doubtful(NARROWS, bounded=True),
    "firewall DoS-policy6": Doubtful(NARROWS, bounded=True),
    "firewall acl": Doubtful(NARROWS, bounded=True),
    "firewall acl6": Doubtful(NARROWS, bounded=True),
    "firewall ttl-policy": Doubtful(NARROWS, bounded=True),
    "firewall ipmacbinding": Doubtful(NARROWS, bounded=True),
    "firewall sniffer": Harmless("inspects copies of packets"),
    "firewall on-demand-sniffer": Harmless("inspects copies of packets"),
    "switch-controller managed-switch": Doubtful(
        "the switches behind FortiLink are devices of their own", bounded=True
    ),
    "wireless-controller vap": Doubtful("what is behind a wireless network is not known", bounded=True),
    "wireless-controller wtp": Doubtful("what is behind a wireless network is not known", bounded=True),
}

ROUTING_PROTOCOLS = {
    "router bgp": "bgp",
    "router ospf": "ospf",
    "router ospf6": "ospf3",
    "router rip": "rip",
    "router ripng": "ripng",
    "router isis": "isis",
    "router multicast": "multicast",
    "router multicast6": "multicast",
    "router multicast-flow": "multicast",
    "router bfd": "",
    "router bfd6": "",
}
"""The blocks of routing protocols; all that they may bring is unknown where one runs."""
BLOCKS.update(dict.fromkeys(ROUTING_PROTOCOLS, _MAYBE_RUNNING))

_HARMLESS_BLOCKS = {
    APPEARANCE: (
        "firewall city",
        "firewall country",
        "firewall region",
        "firewall region-name",
        "firewall service category",
        "gui",
        "system alias",
        "system custom-language",
        "system geoip-country",
        "system object-tagging",
        "system replacemsg",
        "system replacemsg-group",
        "system replacemsg-image",
        "system zone-tag",
    ),
    TIMERS: (
        "firewall global",
        "firewall iprope",
        "firewall ldb-monitor",
        "system ha-monitor",
        "system health-check-fortiguard",
        "system ntp-server",
        "system resource-limits",
        "system session-ttl",
        "system smc-ntp",
        "system timezone",
        "system vdom",
        "system vdom-property",
    ),
    AUTHENTICATION: (
        "authentication",
        "endpoint-control",
        "firewall auth-portal",
        "system accprofile",
        "system api-user",
        "system ftm-push",
        "system password-policy",
        "system password-policy-guest-admin",
        "system saml",
        "system sms-server",
        "system sso-admin",
        "system sso-forticloud-admin",
        "system sso-fortigate-cloud-admin",
        "system vdom-radius-server",
        "user",
    ),
    "the members of a cluster forward as one device": ("system ha",),
    HARDWARE: (
        "dpdk",
        "hardware",
        "system affinity-interrupt",
        "system affinity-packet-redistribution",
        "system auto-install",
        "system bypass",
        "system console",
        "system digital-io",
        "system elbc",
        "system hardware",
        "system isf-queue-profile",
        "system np6",
        "system np6-nic",
        "system np6xlite",
        "system npu",
        "system storage",
        "system wireless",
    ),
    "its own copies": ("system auto-scale",),
    "updates": (
        "system autoupdate",
        "system device-upgrade",
        "system federated-upgrade",
        "system fortiguard",
    ),
    "who manages it": (
        "cloud",
        "nsxt",
        "system central-management",
        "system cloud-service",
        "system csf",
        "system fm",
        "system fortimanager",
        "system vdom-exception",
    ),
    LOGGING: (
        "alertemail",
        "firewall decrypted-traffic-mirror",
        "log",
        "monitoring",
        "netscan",
        "report",
        "system alarm",
        "system ddns",
        "system email-server",
        "system gi-gk",
        "system lldp",
        "system network-visibility",
        "system ptp",
        "system report",
        "system security-rating",
        "system snmp",
        "system speed-test-schedule",
        "system speed-test-server",
        "system speed-test-setting",
        "system startup-error-log",
        "system vdom-netflow",
        "system vdom-sflow",
        "telemetry-controller",
    ),
    "acts on events": (
        "system automation-condition",
        "system automation-destination",
        "system automation-stitch",
        "system automation-trigger",
    ),
    "addresses of hosts": (
        "system dhcp",
        "system dhcp6",
        "system ipam",
    ),
    "answers of names": (
        "system dns-database",
        "system dns-server",
        "system dns64",
        "system vdom-dns",
    ),
    PORTS: ("system stp",),
    CRYPTO: (
        "certificate",
        "firewall access-proxy-ssh-client-cert",
        "system acme",
        "system fips-cc",
        "system ike",
        "system ssh-config",
    ),
    "answers of its own": ("system probe-response",),
    "matches by country are unknown anyway": ("system geoip-override",),
    SHAPING: (
        "firewall shaper",
        "firewall shaping-policy",
        "firewall shaping-profile",
        "firewall traffic-class",
        "system dscp-based-priority",
        "system tos-based-priority",
    ),
    "matches by SDN objects are unknown anyway": ("system sdn-connector",),
    "matches by external lists are unknown anyway": ("system external-resource",),
    INSPECTION: (
        "antivirus",
        "application",
        "casb",
        "cifs",
        "diameter-filter",
        "dlp",
        "dnsfilter",
        "emailfilter",
        "file-filter",
        "firewall gtp",
        "firewall profile-group",
        "firewall profile-protocol-options",
        "firewall ssh",
        "firewall ssl",
        "firewall ssl-ssh-profile",
        "icap",
        "imp2p",
        "ips",
        "media-analyzer",
        "rule",
        "sctp-filter",
        "spamfilter",
        "ssh-filter",
        "system ips-urlfilter-dns",
        "system ips-urlfilter-dns6",
        "system ipsurlfilter",
        "system ngfw-settings",
        "videofilter",
        "virtual-patch",
        "voip",
        "waf",
        "webfilter",
    ),
    "a management network of its own": ("system dedicated-mgmt",),
    "matches by internet service are unknown anyway": (
        "firewall internet-service",
        "firewall internet-service-append",
        "firewall internet-service-custom",
        "firewall internet-service-custom-group",
        "firewall internet-service-definition",
        "firewall internet-service-fallback",
        "firewall internet-service-group",
        "firewall internet-service-name",
        "firewall internet-service-subapp",
    ),
    "matches by name are unknown anyway": (
        "firewall fqdn-group",
        "firewall wildcard-fqdn",
    ),
    "only multicast policies use it": (
        "firewall multicast-address",
        "firewall multicast-address6",
    ),
    "only proxy policies use it": (
        "firewall proxy-address",
        "firewall proxy-addrgrp",
    ),
    "matches by MAC address are unknown anyway": ("firewall vendor-mac",),
    "matches by template are unknown anyway": ("firewall address6-template",),
    NARROWS: ("firewall ipv6-eh-filter",),
    ROUTE_FILTERS: (
        "router access-list",
        "router access-list6",
        "router aspath-list",
        "router auth-path",
        "router community-list",
        "router extcommunity-list",
        "router key-chain",
        "router prefix-list",
        "router prefix-list6",
        "router route-map",
    ),
    "only a proxy uses it": ("web-proxy",),
    "only a WAN optimiser uses it": ("wanopt",),
    "settings of access points": ("wireless-controller",),
    "settings of switches": ("switch-controller",),
    "settings of extenders": (
        "extender-controller",
        "extension-controller",
    ),
}
PREFIXES = {path: reason for reason, paths in _HARMLESS_BLOCKS.items() for path in paths}
"""Blocks that are harmless with all that begins like them, with the reason."""


def fate_of(path: str) -> Fate | None:
    """What becomes of ``config PATH``; ``None``: it is not known."""
    words = path.split(" ")
    for length in range(len(words), 0, -1):
        prefix = " ".join(words[:length])
        if length == len(words) and prefix in BLOCKS:
            return BLOCKS[prefix]
        if prefix in BLOCKS and not isinstance(BLOCKS[prefix], Known):
            return BLOCKS[prefix]
        reason = PREFIXES.get(prefix)
        if reason:
            return Harmless(reason)
    return None
