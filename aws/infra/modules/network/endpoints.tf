# Gateway endpoints are free and always there; interface endpoints bill by the hour and are chosen.
resource "aws_vpc_endpoint" "gateway" {
  for_each = toset(["dynamodb", "s3"])

  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${var.place.region}.${each.key}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [for table in aws_route_table.private : table.id]
  tags              = { Name = "${var.name}-${each.key}" }
}

resource "aws_vpc_endpoint" "interface" {
  for_each = var.interface_endpoints

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${var.place.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for subnet in aws_subnet.private : subnet.id]
  security_group_ids  = [aws_security_group.endpoints.id]
  tags                = { Name = "${var.name}-${each.key}" }
}

resource "aws_security_group" "endpoints" {
  #checkov:skip=CKV2_AWS_5:attached to the interface endpoints, which may be switched off
  name        = "${var.name}-endpoints"
  description = "Interface endpoints: HTTPS from the private subnets"
  vpc_id      = aws_vpc.this.id
  tags        = { Name = "${var.name}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each = aws_subnet.private

  security_group_id = aws_security_group.endpoints.id
  description       = "HTTPS from the private subnet in ${each.key}"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = each.value.cidr_block
}

resource "aws_security_group" "jobs" {
  #checkov:skip=CKV2_AWS_5:given to SageMaker and Glue jobs when they are started
  name        = "${var.name}-jobs"
  description = "SageMaker and Glue jobs: the hosts of one job among themselves, HTTPS outward"
  vpc_id      = aws_vpc.this.id
  tags        = { Name = "${var.name}-jobs" }
}

# IPsec is a protocol of its own (50) beside UDP 500: https://docs.aws.amazon.com/sagemaker/latest/dg/train-encrypt.html
resource "aws_vpc_security_group_ingress_rule" "jobs" {
  #checkov:skip=CKV_AWS_25:open to the hosts of the group itself only, not to 0.0.0.0/0
  security_group_id            = aws_security_group.jobs.id
  description                  = "Hosts of one training job talk to each other on ports of their choice, encrypted by IPsec"
  ip_protocol                  = "-1"
  referenced_security_group_id = aws_security_group.jobs.id
}

resource "aws_vpc_security_group_egress_rule" "jobs_among_themselves" {
  security_group_id            = aws_security_group.jobs.id
  description                  = "Hosts of one training job talk to each other on ports of their choice, encrypted by IPsec"
  ip_protocol                  = "-1"
  referenced_security_group_id = aws_security_group.jobs.id
}

resource "aws_vpc_security_group_egress_rule" "jobs_https" {
  security_group_id = aws_security_group.jobs.id
  description       = "AWS APIs, by endpoint or NAT"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}
