// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority issues certificates for servers and clients, as files.
type authority struct {
	dir  string
	name string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// identity is a certificate with its key, as files.
type identity struct {
	cert, key string
}

func newAuthority(dir, name string) *authority {
	a := &authority{dir: dir, name: name, key: newKey()}
	template := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              tomorrow(),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key))
	a.cert = must(x509.ParseCertificate(der))
	writePEM(a.file(), "CERTIFICATE", der)
	return a
}

// file is the path of the authority's own certificate.
func (a *authority) file() string {
	return filepath.Join(a.dir, a.name+".crt")
}

// issue makes a certificate for NAME, a member of GROUPS, that is good for both ends of a connection with this
// machine for a day.
func (a *authority) issue(name string, groups ...string) identity {
	return a.issueUntil(tomorrow(), name, groups...)
}

func (a *authority) issueUntil(notAfter time.Time, name string, groups ...string) identity {
	key := newKey()
	template := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{CommonName: name, Organization: groups},
		NotBefore:    time.Now().Add(-2 * time.Hour),
		NotAfter:     notAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key))
	pair := identity{filepath.Join(a.dir, name+".crt"), filepath.Join(a.dir, name+".key")}
	writePEM(pair.cert, "CERTIFICATE", der)
	// The API server reads the keys of service accounts in this form only.
	writePEM(pair.key, "EC PRIVATE KEY", must(x509.MarshalECPrivateKey(key)))
	return pair
}

func tomorrow() time.Time {
	return time.Now().Add(24 * time.Hour)
}

func newKey() *ecdsa.PrivateKey {
	return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
}

func newSerial() *big.Int {
	return must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100)))
}

func writePEM(path, kind string, der []byte) {
	check(os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}
